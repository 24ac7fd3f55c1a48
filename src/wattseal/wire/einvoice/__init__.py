"""Invoices as documents: the e-invoice (EN 16931, CII), the PDF with both in it, and the check of such a PDF."""
