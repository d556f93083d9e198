"""Where a store is: an address that may be shown."""

import pytest

from study.store import StoreError
from study.store.location import DEFAULT_STORE, VARIABLE, store_location


@pytest.mark.parametrize("given", ["s3://key:secret@bucket/x", "s3://key@bucket/x", "gs://a:b/c@bucket"])
def test_an_address_with_credentials_is_refused_without_showing_them(given: str) -> None:
    with pytest.raises(StoreError, match=r"^(s3|gs)://\*\*\*@bucket.*holds no user, password or token") as told:
        store_location(given)
    assert "secret" not in str(told.value)


def test_an_address_with_a_signature_is_refused_without_showing_it() -> None:
    with pytest.raises(StoreError, match=r"^s3://bucket/x\?sig=\*\*\*: a store's address is shown"):
        store_location("s3://bucket/x?sig=abc")


def test_what_is_given_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "s3://bucket/of@home")
    assert store_location("/nfs/a:b@c") == "/nfs/a:b@c"
    assert store_location(None) == "s3://bucket/of@home"
    monkeypatch.delenv(VARIABLE)
    assert store_location(None) == DEFAULT_STORE
