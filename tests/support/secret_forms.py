"""A key with the characters that its forms escape, and each form of it."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

KEY = '~~~???>>>"\\/X'
"""Base64 writes it with a plus and a slash, and JSON with escapes."""


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


FORMS = {
    "plain": KEY,
    "hex": KEY.encode().hex(),
    "hex-in-upper-case": KEY.encode().hex().upper(),
    "percent": percent(KEY),
    "percent-in-lower-case": percent(KEY).lower(),
    "percent-in-part": quote(KEY),
    "percent-twice": quote(percent(KEY)),
    "json": json.dumps(KEY)[1:-1],
    "json-in-full": "".join(f"\\u{byte:04x}" for byte in KEY.encode()),
    "json-slash": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "json-in-percent": percent(json.dumps(KEY)[1:-1]),
    "json-in-percent-in-lower-case": percent(json.dumps(KEY)[1:-1]).lower(),
    "entities": "".join(f"&#{byte};" for byte in KEY.encode()),
    "entities-in-hexadecimal": "".join(f"&#x{byte:x};" for byte in KEY.encode()),
    "json-in-json": json.dumps(json.dumps(KEY))[3:-3],
    "json-in-json-in-json": json.dumps(json.dumps(json.dumps(KEY)))[7:-7],
    "python": repr(KEY)[1:-1],
    "entities-by-name": KEY.replace(">", "&gt;").replace('"', "&quot;"),
    "codes": str(list(KEY.encode()))[1:-1],
    "base64": base64(KEY),
    "base64-for-urls": urlsafe_b64encode(KEY.encode()).decode(),
    "base64-in-percent": base64(KEY).replace("+", "%2B").replace("/", "%2F").replace("=", ""),
    "base64-in-percent-in-lower-case": base64(KEY).replace("+", "%2b").replace("/", "%2f").replace("=", ""),
    "base64-in-json": base64(KEY).replace("/", "\\/"),
}
