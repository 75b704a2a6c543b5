"""Tests of SyncFusion's nets."""
