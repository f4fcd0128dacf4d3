"""report/calendars.py: the Umm al-Qura day beside dates in Arabic, as published; none where the tables end."""

from __future__ import annotations

import pytest

from evidencekit.report.calendars import local_day


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("2026-02-18 00:00:00 UTC", "1 رمضان 1447 هـ"),  # published days of the Umm al-Qura calendar
        ("2026-03-20", "1 شوال 1447 هـ"),
        ("2024-07-07 23:59:59 UTC (2024-07-08 02:59:59 UTC+03:00)", "1 محرم 1446 هـ"),
        ("1900-01-01 00:00:00 UTC", None),
        ("2500-01-01 00:00:00 UTC", None),
    ],
)
def test_the_day_in_arabic(shown, expected):
    assert local_day("ar", shown) == expected


@pytest.mark.parametrize("language", ["en", "fr", "es", "ru", "zh", "vi", "kk"])
def test_who_reads_other_languages_expects_the_iso_date_alone(language):
    assert local_day(language, "2026-02-18 00:00:00 UTC") is None
