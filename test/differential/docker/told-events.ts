/** Events as `docker events` prints them, without what is each side's own. */

interface ToldEvent {
  readonly Type: string;
  readonly Action: string;
  readonly from?: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** RFC 3339 as seconds with nanoseconds: what the daemon compares exactly. */
export function seconds(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '0';
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, '0')}`;
}

/** A line for each event, ids replaced by what they are the id of. What only reads is in no log. */
export function told(ndjson: string): string[] {
  const lines = ndjson.split('\n').filter((line) => line !== '');
  const found = lines
    .map((line) => JSON.parse(line) as ToldEvent)
    .filter(({ Action }) => !/^(?:archive-path|export|save)$/.test(Action));
  const texts = found.map(({ Type, Action, from, Actor }) => {
    const attributes = Object.entries(Actor.Attributes).map(([key, value]) => `${key}=${value}`);
    return `${Type} ${Action} from=${from ?? ''} ${Actor.ID} ${attributes.join(' ')}`;
  });
  return sortMounts(texts.map((text) => text.replaceAll(/(?:sha256:)?\b[0-9a-f]{64}\b/g, '<id>')));
}

/** Docker mounts and unmounts the volumes of a container in no order. */
function sortMounts(texts: readonly string[]): string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const text of [...texts, '']) {
    const isMount = /^volume (?:un)?mount/.test(text);
    if (isMount) run.push(text);
    else {
      sorted.push(...run.toSorted(), ...(text === '' ? [] : [text]));
      run = [];
    }
  }
  return sorted;
}
