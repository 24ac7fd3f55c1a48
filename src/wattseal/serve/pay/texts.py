"""The words of the pages on which drivers pay, in English and German, by what their browser asks for."""

from collections.abc import Mapping

LANGUAGES = ("en", "de")
_TEXTS: Mapping[str, tuple[str, str]] = {
    "pay_and_charge": ("Pay and charge", "Bezahlen und laden"),
    "station": ("Station", "Ladestation"),
    "point": ("Charging point", "Ladepunkt"),
    "price": ("Price", "Preis"),
    "all_taxes": ("Prices include VAT.", "Preise inklusive Mehrwertsteuer."),
    "no_taxes": ("Prices do not include VAT.", "Preise ohne Mehrwertsteuer."),
    "set_aside": (
        "{amount} are set aside on your card. Only what you charge is taken, the rest is released.",
        "{amount} werden auf Ihrer Karte vorgemerkt. Abgebucht wird nur, was Sie laden, der Rest wird freigegeben.",
    ),
    "plug_in": (
        "Plug in your car first. Charging starts by itself once you have paid.",
        "Stecken Sie zuerst Ihr Auto an. Das Laden beginnt von selbst, sobald Sie bezahlt haben.",
    ),
    "start": ("Pay and start", "Bezahlen und starten"),
    "energy": ("Energy", "Energie"),
    "flat": ("Each charge", "Je Ladevorgang"),
    "time": ("Charging time", "Ladezeit"),
    "parking": ("Time without charging", "Standzeit ohne Laden"),
    "per_hour": ("an hour", "je Stunde"),
    "least": ("At least", "Mindestens"),
    "most": ("At most", "Höchstens"),
    "from_to": ("from {a} to {b}", "von {a} bis {b}"),
    "beyond": ("after {a}", "nach {a}"),
    "up_to": ("up to {a}", "bis {a}"),
    "minutes": ("{n} min", "{n} Min."),
    "conditions": ("under further conditions", "unter weiteren Bedingungen"),
    "grace": ("{n} min without charging are free", "{n} Min. Standzeit sind frei"),
    "days": ("Mon Tue Wed Thu Fri Sat Sun", "Mo Di Mi Do Fr Sa So"),
    "code_start": ("Start charging", "Laden starten"),
    "code_plug_in": (
        "Plug in your car, then press the button. Your provider's code lets you charge here once.",
        "Stecken Sie Ihr Auto an und drücken Sie dann den Knopf. Der Code Ihres Anbieters gilt hier für einmal Laden.",
    ),
    "code_begun": (
        "The station is being started. You can close this page.",
        "Die Ladestation wird gestartet. Sie können diese Seite schließen.",
    ),
    "code_not_taken": (
        "The station did not start. Please get a new code and try again, or use another charging point.",
        "Die Ladestation ist nicht gestartet. Holen Sie einen neuen Code oder nutzen Sie einen anderen Ladepunkt.",
    ),
    "code_used": (
        "This code was used already. If that was not you, please tell your provider.",
        "Dieser Code wurde schon benutzt. Falls nicht von Ihnen, sagen Sie es bitte Ihrem Anbieter.",
    ),
    "code_over": (
        "This code's time is over. Please get a new one from your provider.",
        "Dieser Code ist abgelaufen. Bitte holen Sie einen neuen von Ihrem Anbieter.",
    ),
    "code_bad": (
        "This code is not good here. Please get a new one from your provider.",
        "Dieser Code gilt hier nicht. Bitte holen Sie einen neuen von Ihrem Anbieter.",
    ),
    "not_offered": (
        "You cannot pay here by card. Please use a charging card or app.",
        "Hier kann nicht mit Karte bezahlt werden. Bitte nutzen Sie eine Ladekarte oder App.",
    ),
    "no_such_place": (
        "There is no such charging point. Please scan the code on the station again.",
        "Diesen Ladepunkt gibt es nicht. Bitte scannen Sie den Code an der Station noch einmal.",
    ),
    "offline": (
        "The station cannot be reached at present. Nothing was charged. Please try another one.",
        "Die Ladestation ist zurzeit nicht erreichbar. Es wurde nichts abgebucht. Bitte nutzen Sie eine andere.",
    ),
    "charging": (
        "Somebody is charging here. Please use another charging point.",
        "Hier wird gerade geladen. Bitte nutzen Sie einen anderen Ladepunkt.",
    ),
    "being_paid": (
        "Somebody is paying here just now. Please try again in a few minutes.",
        "Hier bezahlt gerade jemand. Bitte versuchen Sie es in ein paar Minuten noch einmal.",
    ),
    "too_often": (
        "That was a little often. Please try again in a few minutes.",
        "Das war etwas oft. Bitte versuchen Sie es in ein paar Minuten noch einmal.",
    ),
    "not_from_here": (
        "Please open this page anew and press the button again. Cookies must be allowed for it.",
        "Bitte öffnen Sie die Seite neu und drücken Sie noch einmal. Cookies müssen dafür erlaubt sein.",
    ),
    "trouble": (
        "Payment is not possible at present. Nothing was charged. Please try again later.",
        "Bezahlen ist zurzeit nicht möglich. Es wurde nichts abgebucht. Bitte versuchen Sie es später noch einmal.",
    ),
    "your_charge": ("Your charge", "Ihr Ladevorgang"),
    "waiting": ("We are waiting for your payment.", "Wir warten auf Ihre Zahlung."),
    "go_and_pay": ("Go to the payment page", "Zur Bezahlseite"),
    "cancel": ("Cancel", "Abbrechen"),
    "starting": (
        "Paid. The station is being started; plug in your car if you have not yet.",
        "Bezahlt. Die Ladestation wird gestartet; stecken Sie Ihr Auto an, falls noch nicht geschehen.",
    ),
    "not_starting": (
        "Paid, but the station does not start yet ({why}). If it does not within {n} minutes, all is released.",
        "Bezahlt, aber die Ladestation startet noch nicht ({why}). Nach {n} Minuten wird alles freigegeben.",
    ),
    "is_charging": (
        "Charging. Unplug to end it. This page shows what it came to.",
        "Es wird geladen. Zum Beenden ausstecken. Diese Seite zeigt danach die Abrechnung.",
    ),
    "settling": ("The charge has ended. The bill is being made.", "Das Laden ist beendet. Die Abrechnung folgt."),
    "taken": ("{amount} were taken from your card.", "{amount} wurden von Ihrer Karte abgebucht."),
    "given_back": ("{amount} were given back.", "{amount} wurden erstattet."),
    "nothing_taken": (
        "Nothing was taken from your card.",
        "Von Ihrer Karte wurde nichts abgebucht.",
    ),
    "refused": ("Your payment was refused. Nothing was taken.", "Die Zahlung wurde abgelehnt. Nichts wurde abgebucht."),
    "again": ("Try again", "Noch einmal versuchen"),
    "vat": ("VAT in it", "darin MwSt."),
    "total": ("Total", "Summe"),
    "session": ("Session", "Ladevorgang"),
    "keep": ("Keep this address: it is your receipt.", "Behalten Sie diese Adresse: Sie ist Ihr Beleg."),
    "no_payment": ("There is no such payment.", "Diese Zahlung gibt es nicht."),
}


def language_of(header: str) -> str:
    """Return the first language of an Accept-Language header that the pages have, by its weights; English else."""
    found: list[tuple[float, int, str]] = []
    for number, part in enumerate(header[:512].split(",")[:20]):
        tag, _, options = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            found.append((-_weight(options), number, language))
    return min(found)[2] if found and min(found)[0] < 0 else LANGUAGES[0]


def _weight(options: str) -> float:
    name, _, value = options.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return max(0.0, min(1.0, float(value)))
    except ValueError:
        return 0.0


def text(language: str, key: str, **values: object) -> str:
    """Return a text in a language."""
    return _TEXTS[key][LANGUAGES.index(language)].format(**values)
