"""`speakerd doctor`: each part of the speaker tried in turn, and what to do where one fails."""
