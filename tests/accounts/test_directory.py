"""Accounts, projects, keys, top-ups and prices."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from auricle.accounts.clock import now_us
from auricle.accounts.directory import Directory
from auricle.accounts.prices import Price, Tier
from auricle.accounts.views import KeyTerms
from auricle.errors import InvalidField, NotFound
from auricle.store import tables


def test_a_key_is_shown_once_and_kept_as_a_hash(directory: Directory) -> None:
    made = directory.create_key("laptop")
    assert made.secret.startswith(made.key.prefix)
    assert len(made.secret) > 40
    with directory.database.reading() as connection:
        everything = " ".join(
            str(row) for table in tables.metadata.sorted_tables for row in connection.execute(sa.select(table))
        )
    assert made.key.id in everything
    assert made.secret not in everything
    assert made.secret[len(made.key.prefix) :] not in everything


def test_keys_belong_to_projects_of_accounts(directory: Directory) -> None:
    directory.create_account("team")
    project = directory.create_project("team", "research")
    made = directory.create_key("k", account="team", project="research")
    assert made.key.project_id == project.id
    assert [key.id for key in directory.keys("team")] == [made.key.id]
    assert directory.keys("default") == []
    with pytest.raises(NotFound, match="no project"):
        directory.create_key("k", project="research")
    with pytest.raises(NotFound, match="no account"):
        directory.create_key("k", account="nobody")


def test_a_key_changes_and_rotates(directory: Directory) -> None:
    terms = KeyTerms(now_us() + 10**9, ("mimo-v2.5",), 5, 50)
    made = directory.create_key("k", terms=terms)
    assert directory.change_key("k", disabled=True).disabled
    assert directory.change_key(made.key.id, name="other").name == "other"
    assert directory.key("other").models == ("mimo-v2.5",)
    assert directory.change_key("other", terms=KeyTerms()).models is None
    again = directory.rotate_key("other")
    assert again.key.id == made.key.id
    assert again.secret != made.secret
    assert again.key.rotated_us is not None


def test_names_are_ids_or_unambiguous(directory: Directory) -> None:
    first = directory.create_key("k").key
    directory.create_key("k")
    with pytest.raises(NotFound, match="give the id"):
        directory.change_key("k", disabled=True)
    assert directory.change_key(first.id, disabled=True).disabled


def test_a_known_key_can_be_taken_over(directory: Directory) -> None:
    assert directory.create_key("old", secret="sk-used-for-years-already").key.prefix == "sk-used"
    for wrong in ("sk-used-for-years-already", "short", "with spaces in the key", "schlüssel-schlüssel"):
        with pytest.raises(InvalidField):
            directory.create_key("again", secret=wrong)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "default"])
def test_names_that_will_not_do(directory: Directory, name: str) -> None:
    with pytest.raises(InvalidField):
        directory.create_account(name)


def test_the_same_payment_counts_once(directory: Directory) -> None:
    assert directory.top_up("default", 700, "paid", "bank-1").balance_micros == 700
    assert directory.top_up("default", 700, "paid", "bank-1").balance_micros == 700
    assert directory.top_up("default", -200, "correction").balance_micros == 500
    with pytest.raises(InvalidField, match="another top-up"):
        directory.top_up("default", 701, "paid", "bank-1")
    with pytest.raises(InvalidField):
        directory.top_up("default", 0)
    assert [top_up.amount_micros for top_up in directory.top_ups("default")] == [700, -200]


def test_prices_are_versions(directory: Directory) -> None:
    new = directory.set_price("mimo-v2.5", Price((Tier(1, 2, 3),)))
    versions = directory.prices("mimo-v2.5")
    assert [version.version for version in versions] == [1, new.version]
    assert versions[1].price == Price((Tier(1, 2, 3),))
    with pytest.raises(InvalidField, match="past"):
        directory.set_price("mimo-v2.5", Price(hour=1), now_us() - 10**6)


@pytest.mark.parametrize("terms", [KeyTerms(daily_limit_micros=-1), KeyTerms(monthly_limit_micros=10**16)])
def test_limits_that_make_no_sense(directory: Directory, terms: KeyTerms) -> None:
    with pytest.raises(InvalidField):
        directory.create_key("k", terms=terms)
