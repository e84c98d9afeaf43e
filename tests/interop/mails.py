"""Orders of four customers are pushed; a mail server that none of us wrote gets what they are told."""

import datetime
import email
import email.policy
import json
import re
import threading
import uuid

from aiosmtpd.controller import Controller

from checks import eventually
from reflection_client import Service

CUSTOMERS = {
    "en": ("Alice", "Baker", "Europe/London", r"[A-Za-z]"),
    "hi": ("आशा", "शर्मा", "Asia/Kolkata", r"[\u0900-\u097f]"),
    "bn": ("রিনা", "সেন", "Asia/Dhaka", r"[\u0980-\u09ff]"),
    "ur": ("سارہ", "احمد", "Asia/Karachi", r"[\u0600-\u06ff]"),
}
# What keeps a number from turning the words around it.
INVISIBLE = re.compile("[\u2066-\u2069]")


class Server:
    """An SMTP server that keeps what it gets."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kept = []
        self.controller = Controller(self, hostname="127.0.0.1", port=0)
        # A free port, which the controller does not look for itself.
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.controller.port = probe.getsockname()[1]
        self.controller.start()
        self.url = f"smtp://127.0.0.1:{self.controller.port}?tls=none"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (the library's name)
        """Keeps one mail."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.lock:
            self.kept.append((envelope.rcpt_tos, message))
        return "250 kept"

    def to(self, address):
        """The mails to one address."""
        with self.lock:
            return [message for recipients, message in self.kept if address in recipients]

    def stop(self):
        """Ends it."""
        self.controller.stop()


def event(language, address, number, traceparent):
    """What the shop says of an order, as a CloudEvent."""
    given, family, zone, _ = CUSTOMERS[language]
    data = {
        "order_number": number,
        "customer": {
            "id": f"interop-{uuid.uuid4()}",
            "given_name": given,
            "family_name": family,
            "email": address,
            "languages": [language],
            "zone": zone,
        },
        "promised_date": {"date": "2099-12-31", "zone": zone},
    }
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return {
        "id": str(uuid.uuid4()),
        "source": "//shop.example",
        "spec_version": "1.0",
        "type": "order.placed.v1",
        "attributes": {
            "time": {"ce_string": now},
            "sequence": {"ce_integer": 1},
            "datacontenttype": {"ce_string": "application/json"},
            "traceparent": {"ce_string": traceparent},
        },
        "text_data": json.dumps(data, ensure_ascii=False),
    }


def check(checks, place, smtp):
    """Pushes, and looks at what came; answers the trace id and the spans that were pushed."""
    print("mail")
    trace_id = uuid.uuid4().hex
    shop = Service(place["urls"]["customers"], api_key=place["api_key"])
    orders = {language: (f"{language}-{uuid.uuid4().hex}@example.com", f"P-{uuid.uuid4().hex[:8]}") for language in CUSTOMERS}
    spans = {language: uuid.uuid4().hex[:16] for language in CUSTOMERS}
    events = [
        event(language, address, number, f"00-{trace_id}-{spans[language]}-01")
        for language, (address, number) in orders.items()
    ]
    answer = shop.call("seva.customers.v1.IntakeService/PublishEvents", events=events)
    outcomes = [result.outcome for result in answer.results]
    checks.expect("all events are accepted", outcomes == [1] * len(events), f"{answer}")

    message_ids = []
    for language, (address, number) in orders.items():

        def about_the_order(address=address, number=number):
            return [mail for mail in smtp.to(address) if number in INVISIBLE.sub("", mail["Subject"])]

        found = eventually(about_the_order)
        checks.expect(f"{language}: there is one mail about the order", len(found) == 1, f"{len(found)} of {len(smtp.kept)}")
        if not found:
            continue
        mail = found[0]
        letters = CUSTOMERS[language][3]
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        checks.expect(f"{language}: its subject is in the language", len(re.findall(letters, mail["Subject"])) > 5, mail["Subject"])
        checks.expect(f"{language}: Content-Language", mail["Content-Language"] == language, mail["Content-Language"])
        checks.expect(f"{language}: Auto-Submitted", mail["Auto-Submitted"] == "auto-generated", mail["Auto-Submitted"])
        checks.expect(f"{language}: Message-ID", re.fullmatch(r"<[0-9a-f-]{36}@[^@>]+>", mail["Message-ID"] or ""), mail["Message-ID"])
        checks.expect(f"{language}: multipart/alternative", mail.get_content_type() == "multipart/alternative", mail.get_content_type())
        both = text is not None and html is not None
        checks.expect(f"{language}: text and html", both, f"{mail}")
        if both:
            checks.expect(f"{language}: the text is in the language", len(re.findall(letters, text.get_content())) > 20, text.get_content())
            is_rtl = 'dir="rtl"' in html.get_content()
            checks.expect(f"{language}: the html's direction", is_rtl == (language == "ur"), html.get_content())
        message_ids.append(mail["Message-ID"])
    checks.expect("no Message-ID comes twice", len(set(message_ids)) == len(message_ids), f"{message_ids}")
    return trace_id, spans
