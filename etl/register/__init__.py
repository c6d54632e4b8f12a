"""The register: who exists, who reports what and when. Read from a folder of CSV and YAML, checked, looked up; pure."""
