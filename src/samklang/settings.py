"""Django's settings. What an operator may set comes from the environment; see docs/reference/settings.md.

SAMKLANG_DATA            folder for the database and the key file (default: var)
SAMKLANG_DATABASE        postgresql://user:password@host/name for PostgreSQL (default: SQLite in the data folder)
SAMKLANG_KEY             key that encrypts secrets; without it the file `samklang.key` in the data folder is used
SAMKLANG_OLD_KEYS        earlier keys, comma separated, while a rotation is under way
SAMKLANG_ALLOW_PRIVATE   networks of our own that connections may call, comma separated (127.0.0.0/8, 10.1.0.0/16)
SAMKLANG_FILES           folder below which connections may exchange files (read by connectors/kit/files.py)
SAMKLANG_HOSTS           host names that the web pages answer to, comma separated (default: localhost)
SAMKLANG_URL             address under which people open the pages, for links in mails (default: http://localhost:8080)
SAMKLANG_PROXIES         addresses of proxies before us that say who asks and how (X-Forwarded-For, X-Forwarded-Proto)
SAMKLANG_MAIL            server that takes our mails: smtps://user:password@host or smtp://… (default: none are sent)
SAMKLANG_MAIL_FROM       sender of our mails (default: samklang@ and the name in SAMKLANG_URL)
SAMKLANG_API_RATE        calls that a token of the API may make in a minute (default: 300)
SAMKLANG_KEEP            days that the past is kept, by kind (exchanges=30,transfers=365; default: see `days_kept`)
SAMKLANG_VIES            address of the EU's register of VAT numbers; empty = it is never asked
SAMKLANG_METRICS_TOKEN   bearer token that /metrics asks for; without it /metrics answers this machine only

SAMKLANG_DATABASE_FILE, SAMKLANG_KEY_FILE and SAMKLANG_MAIL_FILE name files that hold these instead.
"""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazy
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def secret(name: str) -> str:
    """What the variable `name` says, else the content of the file that `name`_FILE names, which is how containers and
    systemd hand secrets over; "" where neither is set. Raises ImproperlyConfigured when the file cannot be read or is
    empty: else the hub would begin on another database, or with another key.
    """
    path = os.environ.get(f"{name}_FILE", "")
    if os.environ.get(name) or not path:
        return os.environ.get(name, "")
    try:
        found = Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error
    if not found:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which is empty")
    return found


DATA = Path(os.environ.get("SAMKLANG_DATA", "var")).resolve()
ALLOW_PRIVATE = tuple(part.strip() for part in os.environ.get("SAMKLANG_ALLOW_PRIVATE", "").split(",") if part.strip())

_SQLITE: dict[str, Any] = {
    "ENGINE": "samklang.sqlite",
    "NAME": DATA / "samklang.db",
    "OPTIONS": {
        # Writers queue instead of failing: take the write lock at BEGIN and wait for it.
        "transaction_mode": "IMMEDIATE",
        "timeout": 60,
        # What was written goes from the log into the database each 16 MB, not each 4: pages that a large read writes
        # again and again go there once.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;"
        " PRAGMA wal_autocheckpoint=4000;",
    },
}


def days_kept(given: str) -> dict[str, int]:
    """Days by kind, out of SAMKLANG_KEEP and the defaults. ImproperlyConfigured for anything else than kind=days."""
    kept = {
        "exchanges": 14, "webhooks": 14, "events": 30, "transfers": 90, "steps": 400, "problems": 90, "jobs": 30,
        "audit": 730,
    }  # fmt: skip
    for pair in filter(None, (part.strip() for part in given.split(","))):
        kind, _, days = pair.partition("=")
        if kind not in kept or not days.isdecimal() or not 1 <= int(days) <= 36500:
            known = ", ".join(kept)
            raise ImproperlyConfigured(f"SAMKLANG_KEEP: {pair} is not KIND=DAYS with 1 to 36500 days; kinds: {known}")
        kept[kind] = int(days)
    return kept


def postgresql(address: str) -> dict[str, Any]:
    """Django's settings for a postgresql:// address. Raises psycopg.ProgrammingError where it is none."""
    parts = conninfo_to_dict(address)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{ours: str(parts.pop(theirs, "") or "") for ours, theirs in names.items()},
        "CONN_HEALTH_CHECKS": True,  # a connection that the server has cut is replaced before it is used
        "OPTIONS": {
            **parts,
            # Statements are prepared and sent in one go: 2.5 times as many rows a second as with client binding.
            "server_side_binding": True,
            "pool": {"min_size": 0, "max_size": 40, "timeout": 30, "max_idle": 60},
        },
    }


def mail(address: str) -> dict[str, Any]:
    """Django's settings for the server that takes our mails; none are sent where there is none.

    smtps:// is encrypted from the beginning (port 465), smtp:// by STARTTLS, which is insisted on (587), and
    smtp+plain:// not at all (25), for a relay on this machine. Raises ImproperlyConfigured for anything else.
    """
    if not address:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(address)
    ports = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
    if parts.scheme not in ports or not parts.hostname:  # the message quotes nothing: there is a password in it
        raise ImproperlyConfigured("SAMKLANG_MAIL is no smtps://, smtp:// or smtp+plain:// address")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp",
    }


DATABASE = secret("SAMKLANG_DATABASE")
try:
    DATABASES = {"default": postgresql(DATABASE) if DATABASE else _SQLITE}
except ProgrammingError:  # its message quotes the address, and with it the password
    raise ImproperlyConfigured("SAMKLANG_DATABASE is no address of a PostgreSQL database") from None
DATABASE_ROUTERS = ["samklang.engine.router.OnlyOnPostgreSQL"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "procrastinate.contrib.django",
    "samklang.hub",
    "samklang.reconciliation",
    "samklang.people",
    "samklang.packages",
    "samklang.mails",
    "samklang.api",
    "samklang.console",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}}
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_USER_MODEL = "people.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "samklang.people.accounts.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # nobody signs up: whoever was invited has shown that the address is theirs
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True  # password changed, second factor switched off
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "samklang.people.accounts.SecondFactor"
MFA_TOTP_ISSUER = "Samklang"
MFA_TOTP_TOLERANCE = 1  # half a minute before and after
MFA_RECOVERY_CODES_SHOW_ONCE = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("sv", "Svenska"), ("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]


def _signing() -> str:
    """The key that signs sessions and tokens: made out of the hub's newest key, so that all processes have the same
    and nobody has to keep another. Rotating that key signs everybody out."""
    from samklang.hub.secrets import keys

    return blake2b(b"Django's SECRET_KEY", key=keys()[0].encode()[:64], digest_size=32).hexdigest()


SECRET_KEY = lazy(_signing, str)()
DEBUG = False
SAMKLANG_CONSOLE = os.environ.get("SAMKLANG_CONSOLE", "1") == "1"
KEEP = days_kept(os.environ.get("SAMKLANG_KEEP", ""))  # keeping/retention.py
PACKAGES = os.environ.get("SAMKLANG_PACKAGES", "")  # packages/offer.py
METRICS_TOKEN = os.environ.get("SAMKLANG_METRICS_TOKEN", "")
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # bytes of a request's body; a webhook above it is refused
APPEND_SLASH = False
API_RATE = int(os.environ.get("SAMKLANG_API_RATE", "300"))  # calls a minute and token, in the long run
API_BURST = 60  # calls of a token at once
VIES = os.environ.get("SAMKLANG_VIES", "https://ec.europa.eu/taxation_customs/vies/rest-api")
PUBLIC_URL = os.environ.get("SAMKLANG_URL", "http://localhost:8080").rstrip("/")
PROXIES = os.environ.get("SAMKLANG_PROXIES", "")  # cli/serve.py
MAIL = secret("SAMKLANG_MAIL")
globals().update(mail(MAIL))
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get(
    "SAMKLANG_MAIL_FROM", f"Samklang <samklang@{urlsplit(PUBLIC_URL).hostname}>"
)
ALLOWED_HOSTS = [h.strip() for h in os.environ.get("SAMKLANG_HOSTS", "localhost,127.0.0.1,[::1]").split(",")]
ALLOWED_HOSTS.append(urlsplit(PUBLIC_URL).hostname or "localhost")
ROOT_URLCONF = "samklang.urls"
MIDDLEWARE = [
    # No check of host names for all: a webhook is known by its signature, whatever name it came under.
    "django.middleware.security.SecurityMiddleware",
    "samklang.console.guard.Guard",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "samklang.people.context.reader",
                "samklang.console.navigation.everywhere",
            ]
        },
    }
]
FORM_RENDERER = "samklang.console.forms.Renderer"
# Behind TLS cookies travel by TLS only, and __Host- keeps other names of the same domain from planting theirs.
TLS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "__Host-session" if TLS else "samklang-session"
CSRF_COOKIE_NAME = "__Host-csrf" if TLS else "samklang-csrf"
LANGUAGE_COOKIE_NAME = "samklang-language"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]  # also where the proxy does not say that it was TLS
SECURE_HSTS_SECONDS = 365 * 86400 if TLS else 0  # said only in answers to TLS
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
