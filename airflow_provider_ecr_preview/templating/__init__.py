"""How our operators render their fields: values from XCom stay as they are."""
