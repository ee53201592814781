import { screen } from "@testing-library/react";
import { expect } from "vitest";

type Answer = [status: number, body: unknown];

/** An Airflow that answers what a test says, the latest that matches first. */
export class FakeAirflow {
  asked: URL[] = [];
  private answers: [RegExp, (url: URL) => Answer][] = [];

  constructor() {
    document.head.innerHTML = '<base href="/airflow/">';
    this.answer(/.*/, { detail: "nothing there" }, 404);
    this.answer(/\/settings$/, { price_per_gb_month: 0.1, image_lists: true, version: "1" });
    globalThis.fetch = (async (input: string) => {
      const url = new URL(input, "http://localhost");
      this.asked.push(url);
      const found = this.answers.find(([pattern]) => pattern.test(url.pathname + url.search));
      const [status, body] = found ? found[1](url) : [500, {}];
      return new Response(JSON.stringify(body), { status });
    }) as typeof fetch;
  }

  answer(pattern: RegExp, body: unknown, status = 200): void {
    this.answers.unshift([pattern, typeof body === "function" ? (body as (url: URL) => Answer) : () => [status, body]]);
  }

  /** Give a task a result, and say how it is. */
  task(value: unknown, instance: Record<string, unknown> = {}): void {
    this.answer(/return_value/, { value });
    this.answer(/\/taskInstances\/t$/, { dag_id: "d", dag_run_id: "r", task_id: "t", map_index: -1, state: "success", ...instance });
  }
}

/** The text of the page as a person reads it, in one line. */
export function pageText(): string {
  return (document.querySelector("main")?.textContent ?? "").replace(/\s+/g, " ");
}

export async function seen(text: string | RegExp): Promise<void> {
  expect((await screen.findAllByText(text, { exact: false })).length).toBeGreaterThan(0);
}
