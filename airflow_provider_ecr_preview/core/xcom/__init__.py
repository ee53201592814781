"""The XCom contracts: what the tasks push, as TypedDicts."""
