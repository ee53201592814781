import { readForecast, tabPath } from "../api";
import { Show } from "../components/basics";
import { bytes, count, counted, day } from "../format";
import type { Forecast as Coming, ForecastCounts, RepositoryRef, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { Bars } from "./Bars";
import { ARCHIVING, EXPIRING } from "./colours";
import { Key } from "./Key";

/** What the policy would delete and archive on each of the next days, as a simulation that says what it assumes. */
export function Forecast({ task, repository }: { task: TaskRef; repository: RepositoryRef | null }) {
  const loaded = useLoaded(`${tabPath(task)} forecast ${JSON.stringify(repository)}`, (signal) => readForecast(task, repository, signal));
  return (
    <Show loaded={loaded} room="18rem">
      {({ now, days, unknown }) =>
        days === null ? (
          <p className="quiet">
            The images that stay are not listed with the day on which they go. Run the task again, with enrich and write_kept_images on.
          </p>
        ) : (
          <>
            <Sentence now={now} days={days} />
            <Plot days={days} />
            <p className="quiet">
              A simulation by the rules of the policy, counted from the time of this preview. It assumes that no image is pushed, pulled,
              tagged or restored. Pushes make more images go by rules that count images. ECR acts within 24 hours of the time
              shown, and keeps an image for as long as a manifest list that stays names it, which image lists do not say.
              {unknown > 0 && ` ${counted(unknown, "image is", "images are")} left out: ECR keeps what a rule would take, or a rule cannot be evaluated.`}
            </p>
          </>
        )
      }
    </Show>
  );
}

function Sentence({ now, days }: { now: ForecastCounts; days: NonNullable<Coming["days"]> }) {
  const expiring = days.reduce((sum, forecast) => sum + forecast.expiring, 0);
  const archiving = days.reduce((sum, forecast) => sum + forecast.archiving, 0);
  const known = days.every((forecast) => forecast.bytes !== null);
  const size = days.reduce((sum, forecast) => sum + (forecast.bytes ?? 0), 0);
  return (
    <p>
      Beyond the {counted(now.expiring + now.archiving, "image", "images")} of this preview, the policy would delete{" "}
      <b>{counted(expiring, "image", "images")}</b>
      {expiring > 0 && ` (${known ? `${bytes(size)} at most` : `${bytes(size)} of those whose size is known`})`} and archive{" "}
      <b>{count(archiving)}</b> by {day(days[days.length - 1]!.day)} if nothing were pushed.
    </p>
  );
}

function Plot({ days }: { days: NonNullable<Coming["days"]> }) {
  if (!days.some(({ expiring, archiving }) => expiring + archiving > 0)) {
    return null;
  }
  return (
    <figure className="chart" aria-label={`Images that would go in the next ${days.length} days, by simulation`}>
      <figcaption className="quiet">
        Images that would go, day by day: <Key colour={EXPIRING}>deleted</Key> <Key colour={ARCHIVING}>archived</Key>
      </figcaption>
      <Bars
        label={`Images that would go in the next ${days.length} days`}
        shown={count}
        data={days.map(({ day: date, expiring, archiving, bytes: size }) => {
          const lines = [`${count(expiring)} would be deleted, ${bytes(size)}`, `${count(archiving)} would be archived`];
          return {
            key: date,
            label: date.slice(5),
            parts: [
              { value: expiring, fill: EXPIRING },
              { value: archiving, fill: ARCHIVING },
            ],
            text: `${date}: ${lines.join(", ")}`,
            tip: (
              <>
                <b>{date}</b>
                {lines.map((line) => (
                  <div key={line}>{line}</div>
                ))}
              </>
            ),
          };
        })}
      />
    </figure>
  );
}
