import { describe, expect, it } from "vitest";

import { changesOf, differences, grown } from "../src/components/AuditChanges";
import { bySeverity, severityOf } from "../src/findings";
import { age, bytes, consoleUrl, count, money, price, reportUrl } from "../src/format";
import type { AuditedRepository } from "../src/types";

describe("numbers", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1500, "1.5 kB"],
    [25_000_000_000, "25 GB"],
    [null, "not known"],
  ])("%s bytes are told as %s", (value, text) => expect(bytes(value)).toBe(text));

  it("what is not known has no price and no count", () => {
    expect(money(null, 0.1)).toBe("not known");
    expect(count(null)).toBe("not known");
    expect(money(123_456_000_000_000, 0.1)).toBe("$12,345.60");
  });
});

describe("prices and ages", () => {
  it.each([
    [0.1, "$0.10"],
    [0.023, "$0.023"],
    [1, "$1.00"],
  ])("a price of %s is told as %s", (value, text) => expect(price(value)).toBe(text));

  it.each([
    ["2026-01-01T00:00:00+00:00", "2 days"],
    ["2026-01-02T12:00:00+00:00", "0 days"],
    ["2026-01-02T00:00:00+00:00", "1 day"],
    [null, ""],
  ])("an image of %s is %s old", (pushed, text) => expect(age(pushed, Date.parse("2026-01-03T06:00:00Z"))).toBe(text));
});

describe("findings", () => {
  it("are sorted by how grave they are, and one that is not known is taken for information", () => {
    expect(["storage_class_costs", "something_new", "dead_rule", "newest_image_expires"].sort(bySeverity)).toEqual([
      "newest_image_expires",
      "dead_rule",
      "something_new",
      "storage_class_costs",
    ]);
    expect(severityOf("something_new")).toBe("info");
  });
});

describe("the console", () => {
  it("is that of the Region and partition", () => {
    expect(consoleUrl("123456789012", "eu-west-1", "a/b")).toBe(
      "https://eu-west-1.console.aws.amazon.com/ecr/repositories/private/123456789012/a/b?region=eu-west-1",
    );
    expect(consoleUrl("123456789012", "cn-north-1", "a")).toContain("https://console.amazonaws.cn/");
  });

  it("is not linked to where registry or Region are no such thing", () => {
    expect(consoleUrl(null, "eu-west-1", "a")).toBeNull();
    expect(consoleUrl("123456789012", "evil.example/", "a")).toBeNull();
    expect(consoleUrl("../x", "eu-west-1", "a")).toBeNull();
  });
});

describe("what differs between two audits", () => {
  const repository = (name: string, images: number | null) =>
    ({
      registry_id: "1",
      region_name: "r",
      repository_name: name,
      expiring_image_count: images,
      findings: [] as string[],
      status: "previewed",
    }) as AuditedRepository;

  it("names each repository whose count changed, the largest difference first, and one that came or went", () => {
    const found = differences(
      [repository("same", 1), repository("more", 1), repository("gone", 3)],
      [repository("same", 1), repository("more", 9), repository("new", 2)],
    );
    const images = (each: AuditedRepository | undefined) => each?.expiring_image_count ?? null;
    expect(found.map((each) => [each.repository.repository_name, images(each.before), images(each.after)])).toEqual([
      ["more", 1, 9],
      ["gone", 3, null],
      ["new", null, 2],
    ]);
    expect(found.map(changesOf)).toEqual([[], ["not in the later audit"], ["new in the later audit"]]);
  });

  it("takes what is not known for no number", () => {
    const [found] = differences([repository("a", 500)], [{ ...repository("a", null), status: "failed" }]);
    expect(found && grown(found, (each) => each.expiring_image_count)).toBeNull();
    const [gone] = differences([repository("a", 500)], [{ ...repository("a", null), status: "without_policy" }]);
    expect(gone && grown(gone, (each) => each.expiring_image_count)).toBe(-500);
    const unknown = { ...repository("a", 1), policy_fingerprint: null };
    expect(differences([{ ...unknown, policy_fingerprint: "1" }], [unknown])).toEqual([]);
  });

  it("tells of another policy, another status and findings that came or went, where no count changed", () => {
    const before = { ...repository("a", 1), policy_fingerprint: "1", findings: ["dead_rule"] };
    const after = { ...repository("a", 1), policy_fingerprint: "2", findings: ["newest_image_expires"], status: "failed" };
    const [found] = differences([before], [after]);
    expect(found && changesOf(found)).toEqual([
      "previewed, then failed",
      "another policy",
      "+ newest_image_expires",
      "− dead_rule",
    ]);
    expect(differences([before], [{ ...before }])).toEqual([]);
  });
});

describe("the address of a report", () => {
  it.each([
    ["https://reports.example/x.md", "https://reports.example/x.md"],
    ["s3://aws_default@reports/ecr/x.md", "https://s3.console.aws.amazon.com/s3/object/reports?prefix=ecr%2Fx.md"],
    ["s3://reports/x.md", "https://s3.console.aws.amazon.com/s3/object/reports?prefix=x.md"],
    ["file:///reports/x.md", null],
    ["javascript:alert(1)", null],
    [null, null],
  ])("of %s is %s", (uri, url) => expect(reportUrl(uri)).toBe(url));
});
