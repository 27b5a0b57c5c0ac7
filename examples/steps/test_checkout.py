"""What a test may say while it runs. The first one is meant to fail: look at where the tool shows what."""

from pathlib import Path

import pytest
from shop import Shop

import pytest_tmsreport as tms

RECEIPT = b"\x89PNG\r\n\x1a\n a picture of a receipt"


@pytest.mark.tms("C1", title="A card without credit pays")
def test_card_without_credit(shop: Shop, tmp_path: Path) -> None:
    tms.note("the bank knows this card well")
    tms.field("severity", "critical")
    tms.tag("checkout")
    tms.link("https://shop.test/browse/SHOP-12", "SHOP-12", kind="issue")
    tms.parameter("card", "4000")
    with tms.step("buy tea"):
        shop.add("tea", 2)
        with tms.step("pay", expected="a receipt", data="card 4000"):
            assert shop.cart == {"tea": 2}
            with tms.step("ask the bank"):
                request = tmp_path / "request.json"
                request.write_bytes(b'{"card": "4000"}\n')
                tms.attach(request)
                answer = shop.ask_bank("4000")
                tms.attach(f"the bank says: {answer}\n", name="answer.txt")
                request.write_bytes(b"{}\n")  # what was attached stays as it was
                with tms.step("hear its answer"):
                    shop.sell(answer)


@pytest.mark.tms("C2")
def test_card_with_credit(shop: Shop) -> None:
    fill_cart(shop, "tea", amount=2)
    with tms.step("pay", expected="a receipt"):
        shop.sell(shop.ask_bank("4111"))
        tms.attach(RECEIPT, name="receipt.png")


@pytest.mark.tms("C3")
def test_cart_adds_up(shop: Shop) -> None:
    fill_cart(shop, "tea", amount=1)
    fill_cart(shop, "tea", amount=2)
    assert shop.cart == {"tea": 3}
    tms.attach(RECEIPT, name="receipt.png")  # the same content once more


@tms.step("put {amount} {product} into the cart", expected="they are in it")
def fill_cart(shop: Shop, product: str, amount: int) -> None:
    shop.add(product, amount)
