"""The table of classes: whole, in order, and named."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from auricle.engines.embedded.sound_classes import Kind, by_label, kind_of, sound_classes
from auricle.engines.embedded.yamnet import CLASSES


def test_every_class_is_there_once() -> None:
    classes = sound_classes()
    assert [item.index for item in classes] == [*range(CLASSES)]
    assert len(by_label()) == CLASSES


def test_every_class_has_names_in_both_languages() -> None:
    for item in sound_classes():
        assert item.english.strip() == item.english != ""
        assert re.search(r"[\u4e00-\u9fff]", item.chinese), item.label


@pytest.mark.parametrize(
    ("label", "ancestors"),
    [
        ("Bark", ["Dog", "Domestic animals, pets", "Animal"]),
        ("Pizzicato", ["Violin, fiddle", "Bowed string instrument", "Musical instrument", "Music"]),
        ("Jet engine", ["Aircraft engine", "Aircraft", "Vehicle"]),
        ("Speech", []),
    ],
)
def test_a_class_knows_what_it_is_a_kind_of(label: str, ancestors: list[str]) -> None:
    assert [sound_classes()[index].label for index in by_label()[label].ancestors] == ancestors


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Meow", "animal"),
        ("Hiss", "other"),
        ("Cowbell", "instrument"),
        ("Electric guitar", "instrument"),
        ("Truck", "machine"),
        ("Telephone", "machine"),
        ("Glass", "other"),
    ],
)
def test_a_class_has_a_kind(label: str, kind: Kind) -> None:
    assert kind_of(label) == kind


@pytest.mark.weights
def test_the_order_is_the_networks(sounds_bundle: Path) -> None:
    with (sounds_bundle / "yamnet_class_map.csv").open() as file:
        names = [row["display_name"] for row in csv.DictReader(file)]
    assert [item.label for item in sound_classes()] == names
