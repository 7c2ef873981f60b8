"""The measure of fidelity sees what is lost, what is invented and which line breaks are gone."""

from bench.fidelity import _apart
from bench.fidelity_sources import lines_of


def test_lines_of_html_and_of_its_markdown_are_alike():
    page = "<h2>Tides</h2><p>First &amp; <em>last</em><br>line</p><ul><li>a</li></ul><button>x</button><pre>b\n c</pre>"
    assert lines_of(page) == ["Tides", "First&last", "line", "a", "b", "c"]
    assert lines_of("## Tides\n\nFirst & *last*\nline\n\n- a\n\n```\nb\n c\n```", markdown=True) == lines_of(page)


def test_losses_are_counted():
    assert _apart(["abc", "def", "ghi"], ["abc", "defghi"]) == (0, 0, 1)
    assert _apart(["abc", "def"], ["abc", "dXf"]) == (1, 1, 1)
    assert _apart(["abc"], []) == (3, 0, 0)
