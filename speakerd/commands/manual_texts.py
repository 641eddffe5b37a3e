"""What the manual page says beside the commands: paragraphs, and tables of a name and a sentence."""

from __future__ import annotations

from collections.abc import Mapping

Rows = Mapping[str, str]

DESCRIPTION = """\
speakerd turns a small computer with a microphone and a loudspeaker into a smart speaker. The service waits for a wake
word or a button, talks with the endpoint that the settings name, or with the assistant on the device, and runs tools.

Whoever is in the group speakerd, to which the control socket belongs, may use it by these commands. Begin with
speakerd check and speakerd doctor; each failure says what to do.
"""

OPTIONS: Rows = {
    "--config FILE": "The settings; without it /etc/speakerd/speakerd.toml, if it exists. Most commands have this.",
    "--help": "Show the options of a command.",
    "--version": "Print the version.",
}

EXIT_STATUS: Rows = {
    "0": "Done; nothing is wrong.",
    "1": "It failed, or the speaker refused it.",
    "2": "The command line is wrong.",
    "69": "A device, the network, or the running speaker is missing, or the doctor found something.",
    "78": "The settings are wrong. The service is not restarted by systemd then.",
    "130": "It was interrupted.",
}

FOLLOWING = """\
speakerd status --json prints one object of JSON in a line: the snapshot. With --follow each event follows in a line of
its own, as it happens, until the speaker ends (69) or the reader leaves. It begins with the snapshot, and no event is
left out between the two. What was said is in it: it goes to whoever follows, and nowhere else. Unknown events and keys
are to be ignored.

  {"event": "snapshot", "phase": "idle", "light": "idle", "muted": false, "volume_percent": 70, ...}
  {"event": "phase", "phase": "listening", "light": "listening", "muted": false, ...}
  {"event": "transcript", "talker": "user", "text": "What time is it?"}
  {"event": "tool", "name": "get_time"}
  {"event": "transcript", "talker": "assistant", "text": "It is noon."}
  {"event": "answered", "request": 7}

A phase is idle, opening, listening, thinking or speaking, and has the keys that the snapshot has of the state. The
snapshot has besides what is known of the hearing (frames, overruns, underruns, mic_frame_age_seconds), of the
endpoints (name, state, fault), of the budget (day, today_usd, month_usd, caps), and of the servers of tools (name,
state, reason).
The event answered ends what speakerd ask or speakerd say began.
"""

SIGNALS: Rows = {
    "SIGHUP": "Read the settings again (systemctl reload speakerd). Those of the wake word, but for its recordings, "
    "and control.log_level count at once; each other one that was changed is named in a line of the journal, and "
    "counts from the next start. A file that is wrong changes nothing, and one sentence says why.",
    "SIGTERM, SIGINT": "End in order.",
}

ENVIRONMENT: Rows = {
    "SPEAKERD_SECTION__KEY": "Goes before the setting section.key of the file; for example SPEAKERD_AUDIO__VOLUME=0.5.",
    "CREDENTIALS_DIRECTORY": "Where systemd puts the API keys of the service (LoadCredential).",
    "STATE_DIRECTORY, RUNTIME_DIRECTORY": "Where systemd lets the service keep what survives it, and what does not.",
    "SPEAKERD_MODELS": "Folder of the wake word models.",
    "OPENAI_API_KEY, AZURE_OPENAI_API_KEY, XAI_API_KEY": "A key for a trial by hand; give the service a file instead.",
}

FILES: Rows = {
    "/etc/speakerd/speakerd.toml": "The settings; speakerd config show lists them.",
    "/etc/speakerd/speakerd.toml.bak": "The settings as they were before the last speakerd config set.",
    "/etc/speakerd/api-key": "The API key: a line of its own, mode 0600, owned by root; likewise azure-api-key, "
    "xai-api-key, custom-api-key, home-assistant-token and mqtt-password.",
    "/run/speakerd/control.sock": "The control socket, mode 0660, of the group speakerd.",
    "/var/lib/speakerd": "Timers, alarms, the volume, the book of what was spent, the echo test's verdict, models.",
}
