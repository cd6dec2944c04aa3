"""Bodies of the admin API. Money travels as text with six places (`"12.500000"`), so that no client rounds it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from auricle.accounts.clock import iso, microseconds
from auricle.accounts.prices import Price, PriceVersion, Tier, micros, money
from auricle.accounts.views import AccountView, KeyTerms, KeyView, ProjectView, TopUp
from auricle.errors import InvalidField

Json = dict[str, Any]
Amount = Annotated[
    str, Field(pattern=r"^-?\d{1,10}(\.\d{1,6})?$", description="An amount of the currency.", examples=["12.5"])
]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class AdminBody(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SignIn(AdminBody):
    password: Annotated[str, Field(max_length=1000)]


class SetUp(AdminBody):
    code: Annotated[str, Field(max_length=100, description="What the server showed on its terminal when it started.")]
    password: Annotated[str, Field(max_length=1000)]


class ChangePassword(AdminBody):
    current: Annotated[str, Field(max_length=1000)]
    new: Annotated[str, Field(max_length=1000)]


class CreateAccount(AdminBody):
    name: Name
    prepaid: bool = Field(False, description="Refuse requests (402) once the balance is used up.")


class ChangeAccount(AdminBody):
    name: Name | None = None
    prepaid: bool | None = None
    disabled: bool | None = None


class AddTopUp(AdminBody):
    amount: Amount
    note: Annotated[str, Field(max_length=200)] = ""
    reference: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Yours; the same one again is the same top-up, so that it may safely be sent twice."
    )


class CreateProject(AdminBody):
    name: Name


class Terms(AdminBody):
    """What a key may do; what is left out is without limit."""

    expires: datetime | None = None
    models: Annotated[list[str], Field(max_length=100)] | None = Field(None, description="All, if left out.")
    daily_limit: Amount | None = Field(None, description="To spend on one day (UTC).")
    monthly_limit: Amount | None = None

    def terms(self) -> KeyTerms:
        return KeyTerms(
            None if self.expires is None else microseconds(self.expires),
            None if self.models is None else tuple(self.models),
            limit("daily_limit", self.daily_limit),
            limit("monthly_limit", self.monthly_limit),
        )


class CreateKey(Terms):
    name: Name
    account: str = "default"
    project: str = "default"


class ChangeKey(AdminBody):
    name: Name | None = None
    disabled: bool | None = None
    terms: Terms | None = Field(None, description="All of them at once: what is left out is without limit.")


class TierBody(AdminBody):
    up_to_tokens: Annotated[int, Field(gt=0)] | None = Field(
        None, description="For requests with at most so many prompt tokens; the last tier has none."
    )
    input_hit: Amount = Field(description="Per million prompt tokens whose computation was reused.")
    input_miss: Amount = Field(description="Per million other prompt tokens.")
    output: Amount = Field(description="Per million tokens of the answer.")


class SetPrice(AdminBody):
    model: Annotated[str, Field(min_length=1, max_length=200)]
    tiers: Annotated[list[TierBody], Field(max_length=10)] = []
    hour: Amount = Field("0", description="Per hour of audio.")
    from_: datetime | None = Field(None, alias="from", description="When it begins; now, if left out.")

    def price(self) -> Price:
        tiers = tuple(
            Tier(micros(tier.input_hit), micros(tier.input_miss), micros(tier.output), tier.up_to_tokens)
            for tier in self.tiers
        )
        return Price(tiers, micros(self.hour))


def limit(field: str, amount: str | None) -> int | None:
    if amount is None:
        return None
    if amount.startswith("-"):
        raise InvalidField(field, "must not be negative")
    return micros(amount)


def account_json(account: AccountView) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "created": iso(account.created_us),
        "prepaid": account.prepaid,
        "disabled": account.disabled,
        "credited": money(account.credited_micros),
        "charged": money(account.charged_micros),
        "balance": money(account.balance_micros),
    }


def project_json(project: ProjectView) -> Json:
    return {
        "id": project.id,
        "account": project.account_id,
        "name": project.name,
        "created": iso(project.created_us),
    }


def key_json(key: KeyView) -> Json:
    def amount(limited: int | None) -> str | None:
        return None if limited is None else money(limited)

    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "account": key.account_id,
        "project": key.project_id,
        "created": iso(key.created_us),
        "rotated": iso(key.rotated_us),
        "disabled": key.disabled,
        "terms": {
            "expires": iso(key.expires_us),
            "models": None if key.models is None else list(key.models),
            "daily_limit": amount(key.daily_limit_micros),
            "monthly_limit": amount(key.monthly_limit_micros),
        },
    }


def top_up_json(top_up: TopUp) -> Json:
    return {
        "account": top_up.account_id,
        "time": iso(top_up.at_us),
        "amount": money(top_up.amount_micros),
        "note": top_up.note,
        "reference": top_up.reference,
    }


def price_json(version: PriceVersion) -> Json:
    return {
        "version": version.version,
        "model": version.model,
        "from": iso(version.from_us),
        "tiers": [
            {
                "up_to_tokens": tier.up_to_tokens,
                "input_hit": money(tier.hit),
                "input_miss": money(tier.miss),
                "output": money(tier.output),
            }
            for tier in version.price.tiers
        ],
        "hour": money(version.price.hour),
    }
