"""The answer to a sender: their own workbook with every faulty cell marked, and a one-page summary. Pure; stores nothing."""
