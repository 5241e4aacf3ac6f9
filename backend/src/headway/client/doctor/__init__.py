"""Finds out what lies between this machine and a Headway server, and names the setting at fault."""

from headway.client.doctor.examination import examine
from headway.client.doctor.findings import Diagnosis, Fault, Finding, Verdict

__all__ = ["Diagnosis", "Fault", "Finding", "Verdict", "examine"]
