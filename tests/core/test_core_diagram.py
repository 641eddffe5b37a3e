"""The diagram in the architecture document is the one that the code draws."""

from pathlib import Path

from diagram import diagram


def test_the_diagram_is_up_to_date() -> None:
    text = (Path(__file__).parents[2] / "speakerd/ARCHITECTURE.md").read_text()
    assert f"```mermaid\n{diagram()}\n```" in text, "run scripts/diagram and put its output into the document"
