"""What law asks for and how long it gives: tables as data, clocks, holds, requests. Source: specs/cooperation.md."""
