"""Runs integrations and logs them through the same door as everybody else (``ingest.recorder``).

The room is laid out and empty: integrations, connectors, plan, engine, schedule and worker move in here. It may import
``ingest`` and nothing else of synclog.
"""
