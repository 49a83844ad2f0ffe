import { dumpLog, type DumpRecord, lastSeq, printableName } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { toJson } from '../format/json.ts';
import { causeLine } from '../format/transaction.ts';
import type { Verb } from '../verb.ts';

export const dumpVerb: Verb = {
  name: 'dump',
  summary: 'show the log as it lies on the disk: a record a line',
  details:
    'Segments, chunks, transactions and commits with their places, also of a damaged log: a bad frame is a line, too. ' +
    'Changes nothing and needs no lock.',
  args: [],
  options: [],
  examples: [
    { command: 'dump', explains: 'segment, byte, length, and what it is' },
    { command: 'dump --ndjson', explains: 'all of every record, for other programs' },
  ],
  streams: true,
  run: async (context) => {
    if (context.session !== undefined) throw usageError('it reads files: it does not work on a store in memory');
    const all: DumpRecord[] = [];
    for (const record of dumpLog(context.directory)) {
      if (context.isJson) all.push(record);
      else if (context.isNdjson) context.line(toJson(record));
      else for (const line of linesOf(record)) context.line(line);
      await context.stdout.drained();
    }
    if (context.isJson) context.json(all);
  },
};

function linesOf(record: DumpRecord): string[] {
  const place = `${record.segment.replace(/^0+/, '')} ${String(record.offset).padStart(9)} ${String(record.bytes).padStart(7)}`;
  switch (record.record) {
    case 'segment':
      return [
        `${place}  segment ${record.number}, format ${record.format}, from event ${record.firstSeq}, chunk ${record.firstChunk}`,
      ];
    case 'chunk':
      return [`${place}  chunk ${record.number}, ${record.length} bytes`];
    case 'dropped':
      return [`${place}  chunks ${record.number} to ${record.number + record.chunks - 1} dropped`];
    case 'rewritten':
      return [`${place}  rewritten, chain before ${record.chain.slice(0, 16)}…`];
    case 'transactions':
      return record.transactions.map((transaction) => {
        const { seq, events, cause } = transaction;
        const range = events.length === 1 ? String(seq) : `${seq} to ${lastSeq(transaction)}`;
        const types = events.map(({ type }) => type).join(', ');
        return `${place}  transaction ${range}: ${printableName(causeLine(cause))} (${types})`;
      });
    case 'commit':
      return [
        `${place}  commit, head ${record.head}, ${record.durable} bytes durable, chain ${record.chain.slice(0, 16)}…`,
      ];
    case 'bad':
      return [`${place}  BAD: ${record.reason}`];
  }
}
