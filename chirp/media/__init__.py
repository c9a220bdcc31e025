"""What an uploaded file is, and turning it into what is stored, in processes of its own.

Names are imported from their modules, so that such a process starts without asyncio.
"""
