"""What the offline assistant can talk about without any tool: how users ask, and what it answers. Pure data."""

from __future__ import annotations

from collections.abc import Mapping

from speakerd.ports import ToolSpec

HELP = "small_talk_help"
REPEAT = "small_talk_repeat"
STOP = "small_talk_stop"

_STORY = (
    "Once upon a time a small robot lived on a windowsill between a basil plant and a jar of honey. "
    "Its only duty was to count the seconds while the soup was cooking. "
    "It counted well, but it had never seen where the seconds went. "
    "One evening the window stood open, and the robot leaned out to look. "
    "Down in the street the seconds were walking home, one behind the other, each with a tiny lantern. "
    "Some carried laughter, some carried the smell of bread, and one carried a song that somebody had forgotten. "
    "The robot called to them and asked whether they would ever come back. "
    "The last second turned around and smiled. "
    "It said: we never come back, but whoever counts us kindly will remember us. "
    "From that night on the robot counted more slowly and more gladly, and everybody said that the soup had never "
    "tasted better."
)
_RAINBOW = (
    "A rainbow is made by sunlight and a great many drops of rain. "
    "White sunlight is a mixture of all colours. "
    "When a ray of light enters a drop, it is bent, because light travels more slowly in water than in air. "
    "Violet light is bent a little more than red light, so the colours begin to spread apart. "
    "Then the light bounces off the back of the drop, and it is bent once more when it leaves. "
    "Most of the red light comes out at an angle of about forty two degrees from the direction of the sun, and most of "
    "the violet at about forty. "
    "So each drop sends only one colour to your eye, and which one depends on how high the drop is. "
    "All drops at the same angle lie on a circle, and the ground hides its lower half. "
    "That is why you see an arc, with red outside and violet inside, whenever the sun stands low behind you and it "
    "rains in front of you."
)
_RASPBERRY_PI = (
    "The Raspberry Pi is a small computer, about as large as a bank card. "
    "It was made in Cambridge in England, by people who wanted more children to learn how computers work. "
    "The first one was sold in February of two thousand and twelve, and the makers hoped to sell a few thousand. "
    "Since then many millions have been built. "
    "What makes it special is a row of forty pins along its edge. "
    "With them a program can light a lamp, read a button, turn a motor or listen to a microphone. "
    "People have used it to watch over beehives, to play old games, to water plants, and even to do experiments on the "
    "space station. "
    "It needs only a few watts, so it can stay switched on all day. "
    "I run on such a computer too: everything that I hear and say right now is worked out on the little board "
    "in front of you."
)

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "small_talk_hello": ("Hello! What can I do for you?", "Hi there! How can I help?"),
    "small_talk_thanks": ("You're welcome.", "My pleasure.", "Any time."),
    "small_talk_how_are_you": ("I'm fine, thank you. All my wires are where they belong.",),
    "small_talk_who_are_you": ("I'm the assistant on this speaker. I work without the internet.",),
    "small_talk_joke": (
        "Why did the tomato blush? Because it saw the salad dressing.",
        "What do you call a sleeping clock? Time out.",
        "I would tell you a joke about pizza, but it is a bit cheesy.",
    ),
    "small_talk_story": (_STORY,),
    "small_talk_rainbow": (_RAINBOW,),
    "small_talk_raspberry_pi": (_RASPBERRY_PI,),
}
"""Answers by topic, taken in turn."""

_ASK = "[please|can you|could you]"
_PHRASES: Mapping[str, tuple[str, ...]] = {
    HELP: ("what can (you do|i say)", "what can you help [me] with", "help [me]"),
    REPEAT: (f"{_ASK} (repeat that|say that again) [please]", "what did you say"),
    STOP: ("(stop|cancel|never mind|be quiet)", "(goodbye|good bye|bye|bye bye|good night)", "(that's|that is) all"),
    "small_talk_hello": ("(hello|hi|good morning|good afternoon|good evening)",),
    "small_talk_thanks": ("(thanks|thank you) [very much|a lot]",),
    "small_talk_how_are_you": ("how are you [today]",),
    "small_talk_who_are_you": ("(who|what) are you", "what is your name"),
    "small_talk_joke": (f"{_ASK} tell [me] a joke [please]",),
    "small_talk_story": (f"{_ASK} tell [me] a [short|long] story [please]",),
    "small_talk_rainbow": (
        "how (does a rainbow form|is a rainbow made|do rainbows form)",
        f"{_ASK} (tell me about|explain) (a rainbow|the rainbow|rainbows) [please]",
        "what is a rainbow",
    ),
    "small_talk_raspberry_pi": (f"{_ASK} tell me about the raspberry pi [please]", "what is (the|a) raspberry pi"),
}

SMALL_TALK = tuple(ToolSpec(topic, "", {}, phrases) for topic, phrases in _PHRASES.items())
"""The topics in the shape of tools, so that one grammar holds both."""
