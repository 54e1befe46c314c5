# SPDX-License-Identifier: GPL-3.0-or-later
"""A small feature repository, run by a Python that has Feast:

  feast_service.py FOLDER HOST PORT DATABASE apply            makes the stores
  feast_service.py FOLDER HOST PORT DATABASE materialize      fills the online store up to now
  feast_service.py FOLDER HOST PORT DATABASE get N            features of drivers 0 to N - 1
"""
import datetime
import json
import sys
from pathlib import Path

from feast import Entity, FeatureStore, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import \
    PostgreSQLSource
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp

FEATURES = {"conv_rate": Float64, "avg_rating": Float32, "trips": Int64, "clicks": Int32,
            "active": Bool, "city": String, "last_trip": UnixTimestamp,
            "embedding": Array(Float32)}
CONFIG = """
project: ride
provider: local
registry: {folder}/registry.db
entity_key_serialization_version: 3
offline_store: &store
  type: postgres
  host: {host}
  port: {port}
  database: {database}
  db_schema: public
  user: postgres
  password: none
online_store: *store
"""


def apply(store):
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    store.apply([driver, FeatureView(
        name="driver_stats", entities=[driver], ttl=datetime.timedelta(days=90),
        schema=[Field(name=name, dtype=kind) for name, kind in FEATURES.items()],
        source=PostgreSQLSource(name="driver_stats_source", table="driver_stats",
                                timestamp_field="event_timestamp",
                                created_timestamp_column="created"))])


def get(store, n):
    found = store.get_online_features(
        features=[f"driver_stats:{name}" for name in FEATURES],
        entity_rows=[{"driver_id": i} for i in range(n)]).to_dict()
    print(json.dumps({name: [x.timestamp() if isinstance(x, datetime.datetime) else x
                             for x in found[name]] for name in FEATURES}))


def main():
    folder, host, port, database, verb, *more = sys.argv[1:]
    (Path(folder) / "feature_store.yaml").write_text(
        CONFIG.format(folder=folder, host=host, port=port, database=database))
    store = FeatureStore(repo_path=folder)
    if verb == "apply":
        apply(store)
    elif verb == "materialize":
        now = datetime.datetime.now(datetime.timezone.utc)
        store.materialize(now - datetime.timedelta(days=30), now)
    else:
        get(store, int(more[0]))


if __name__ == "__main__":
    main()
