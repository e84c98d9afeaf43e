//! The model of invoices: a table of reports, and that money stays within its bounds.

use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use seva_values::{Currency, Invalid, Money, new_id};

use super::model::{Fact, Invoice, Report, State};

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn unknown() -> Invoice {
    let (source, number) = ("//billing.example".to_owned(), "R-7".to_owned());
    Invoice::unknown(new_id(), new_id(), source, number, currency("INR"), Timestamp::UNIX_EPOCH)
}

fn report(invoice: &Invoice, fact: Fact, minor_units: i64, code: &str) -> Result<Invoice, Invalid> {
    let amount = Money::new(minor_units, currency(code));
    let sequence = invoice.source_sequence + 1;
    invoice.apply(&Report { fact, amount, at: Timestamp::UNIX_EPOCH, sequence })
}

fn issued() -> Fact {
    Fact::Issued { order_number: "A-1029".to_owned(), due_date: None }
}

fn payment_failed() -> Fact {
    Fact::PaymentFailed { reason: "no funds".to_owned() }
}

fn refunded() -> Fact {
    Fact::Refunded { reason: "damaged".to_owned() }
}

#[test]
fn an_invoice_is_issued_paid_after_failures_and_paid_back() {
    let mut invoice = unknown();
    let table = [
        (issued(), 1000, State::Issued),
        (payment_failed(), 1000, State::PaymentFailed),
        (payment_failed(), 1000, State::PaymentFailed),
        (Fact::Paid, 400, State::Paid),
        (payment_failed(), 600, State::Paid),
        (Fact::Paid, 600, State::Paid),
        (refunded(), 300, State::Refunded),
        (issued(), 1000, State::Refunded),
        (refunded(), 700, State::Refunded),
    ];
    for (version, (fact, amount, state)) in (1..).zip(table) {
        invoice = report(&invoice, fact, amount, "INR").unwrap();
        assert_eq!((invoice.state, invoice.version), (state, version));
    }
    assert_eq!((invoice.amount, invoice.paid, invoice.refunded, invoice.failed_payments), (Some(1000), 1000, 1000, 3));
    assert_eq!(invoice.order_number, "A-1029");
}

#[test]
fn another_currency_is_refused() {
    let invoice = report(&unknown(), issued(), 1000, "INR").unwrap();
    assert_eq!(report(&invoice, Fact::Paid, 1000, "EUR").unwrap_err().reason, "CURRENCY_MISMATCH");
}

#[test]
fn more_than_was_paid_cannot_be_paid_back() {
    let invoice = report(&unknown(), Fact::Paid, 1000, "INR").unwrap();
    let invoice = report(&invoice, refunded(), 600, "INR").unwrap();
    assert_eq!(report(&invoice, refunded(), 401, "INR").unwrap_err().reason, "REFUND_EXCEEDS_PAID");
    assert!(report(&invoice, refunded(), 400, "INR").is_ok());
}

#[test]
fn a_sum_that_does_not_fit_is_refused() {
    let invoice = report(&unknown(), Fact::Paid, i64::MAX, "INR").unwrap();
    assert_eq!(report(&invoice, Fact::Paid, 1, "INR").unwrap_err().reason, "AMOUNT_OUT_OF_RANGE");
}

proptest! {
    /// CU16, CU17: never more paid back than paid, in one currency; what is refused changes nothing, and the state never goes back.
    #[test]
    fn money_stays_within_its_bounds(
        facts in vec((select(vec![issued(), payment_failed(), Fact::Paid, refunded()]), 0..1000_i64, select(vec!["INR", "EUR"])), 1..40)
    ) {
        let mut invoice = unknown();
        let (mut paid, mut refunded) = (0, 0);
        for (fact, amount, code) in facts {
            let (is_paid, is_refund) = (fact == Fact::Paid, fact.state() == State::Refunded);
            let may = code == "INR" && !(is_refund && refunded + amount > paid);
            let next = report(&invoice, fact, amount, code);
            prop_assert_eq!(next.is_ok(), may);
            let Ok(next) = next else { continue };
            paid += if is_paid { amount } else { 0 };
            refunded += if is_refund { amount } else { 0 };
            prop_assert_eq!((next.paid, next.refunded), (paid, refunded));
            prop_assert!(next.refunded <= next.paid && next.state >= invoice.state);
            prop_assert_eq!(next.version, invoice.version + 1);
            invoice = next;
        }
    }
}
