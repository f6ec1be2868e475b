"""The captions beside the figures."""

from figure_tables import CONFUSION, metrics
from urbancam.showing import captions
from urbancam.showing.figures.scores import draw_confusion_matrix
from urbancam.workflow.settings.sections import Figures


def test_captions_are_read_as_they_were_written():
    expected = {"scores": ("Bars: intervals.", "Data: INSEE."), "chords": ("Arrows.",)}
    text = captions.write_captions(expected, "Demo, run demo")
    assert text.startswith("# Figures of Demo, run demo\n")
    assert captions.read_captions(text) == expected


def test_a_folder_of_figures_has_each_in_every_format_and_their_captions():
    settings = Figures(formats=["svg"], captions_inside=False)
    figure = draw_confusion_matrix(CONFUSION, metrics(), "Demo", "Data: rendered.")
    files = dict(captions.render_files({"matrix": figure}, "Demo, run demo", settings))
    assert list(files) == captions.file_names(["matrix"], settings)
    assert list(files) == ["matrix.png", "matrix.svg", "captions.md"]
    got = captions.read_captions(files["captions.md"].decode())["matrix"]
    assert got == figure.caption
    assert got[-1] == "Data: rendered."


def test_no_part_of_a_caption_is_drawn_unless_it_is_asked_for():
    figure = draw_confusion_matrix(CONFUSION, metrics(), "Demo", "Data: rendered.")
    files = {}
    for inside in (False, True):
        settings = Figures(formats=["svg"], captions_inside=inside)
        files[inside] = dict(captions.render_files({"matrix": figure}, "", settings))["matrix.svg"]
    assert b"Data: rendered." not in files[False]
    assert b"Data: rendered." in files[True]
