export interface Area<T> {
  x: number;
  y: number;
  width: number;
  height: number;
  datum: T;
}

/** Fill a rectangle with areas as large as their sizes, none narrower than it has to be; the largest size comes first. */
export function treemap<T>(data: T[], sizeOf: (datum: T) => number, width: number, height: number): Area<T>[] {
  const areas: Area<T>[] = [];
  const sum = data.reduce((total, datum) => total + sizeOf(datum), 0);
  const scale = sum > 0 ? (width * height) / sum : 0;
  const rest = { x: 0, y: 0, width, height };
  let at = 0;
  while (at < data.length) {
    const side = Math.min(rest.width, rest.height);
    let end = at + 1;
    let best = worst([sizeOf(data[at]!) * scale], side);
    while (end < data.length) {
      const next = worst(data.slice(at, end + 1).map((datum) => sizeOf(datum) * scale), side);
      if (next > best) {
        break;
      }
      best = next;
      end += 1;
    }
    const row = data.slice(at, end);
    const thickness = side > 0 ? row.reduce((total, datum) => total + sizeOf(datum) * scale, 0) / side : 0;
    let along = 0;
    for (const datum of row) {
      const length = thickness > 0 ? (sizeOf(datum) * scale) / thickness : 0;
      areas.push(
        rest.width >= rest.height
          ? { x: rest.x, y: rest.y + along, width: thickness, height: length, datum }
          : { x: rest.x + along, y: rest.y, width: length, height: thickness, datum },
      );
      along += length;
    }
    if (rest.width >= rest.height) {
      rest.x += thickness;
      rest.width -= thickness;
    } else {
      rest.y += thickness;
      rest.height -= thickness;
    }
    at = end;
  }
  return areas;
}

/** The ratio of the sides of the narrowest area in a row. */
function worst(sizes: number[], side: number): number {
  const sum = sizes.reduce((total, size) => total + size, 0);
  return Math.max((side * side * Math.max(...sizes)) / (sum * sum), (sum * sum) / (side * side * Math.min(...sizes)));
}
