import { type DriverBill, type FileStory, printableName, type Rule, type Space } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { plural, sizeText } from '../format/size.ts';
import { type Column, formatTable } from '../format/table.ts';
import { causeLine } from '../format/transaction.ts';
import { flag, listOption, textOption } from '../options.ts';
import { findContainer, parsePlace } from '../place.ts';
import type { Verb } from '../verb.ts';

export const driversVerb: Verb = {
  name: 'drivers',
  summary: 'price the history under every storage driver',
  details:
    'COPIED is what first writes copied, MAKING what making the containers copied. LAYERS, CONTAINERS and METADATA are the ' +
    'room that is taken now, TOTAL their sum; what forks share counts once. READ is what a cold read of 4 KiB brings from the ' +
    'disk, and in how many places a name of the lowest layer is looked for. --formulas says how each figure comes about.',
  args: [],
  options: [
    {
      flags: '--driver <driver>',
      description: 'this one, with parameters as in qcow2:cluster-size=4K,extended-l2=1',
      repeat: true,
    },
    { flags: '-v, --verbose', description: 'each container' },
    { flags: '--formulas', description: 'how each figure comes about, with its source and the parameters' },
    { flags: '--explain <place>', description: 'what each call did to a file, NAME:/path, and what it cost' },
  ],
  examples: [
    { command: 'drivers', explains: 'what the same history takes with each of them' },
    {
      command: 'drivers --driver btrfs --driver qcow2:cluster-size=2M -v',
      explains: 'two of them, container by container',
    },
    { command: 'drivers --explain web:/var/lib/app.db', explains: 'why a file is dear' },
  ],
  reads: true,
  hasSizes: true,
  run: async (context, _, options) => {
    const { store, view } = await context.view();
    const query = { at: textOption(options, 'at'), drivers: listOption(options, 'driver') };
    const explained = textOption(options, 'explain');
    if (explained !== undefined) {
      const place = parsePlace(explained);
      if (place.kind === 'volume')
        throw usageError('--explain takes a file of a container: a volume has no storage driver');
      const { id } = findContainer(view, place.name);
      const story = store.storageStory(id, place.path, query);
      return context.answer(story, () => storyText(context, story));
    }
    const bills = store.storageBills(query);
    context.answer(bills, () => {
      if (flag(options, 'formulas')) return bills.map(formulasText).join('\n');
      if (flag(options, 'verbose')) return bills.map((bill) => containersText(context, bill)).join('\n');
      return comparisonText(context, bills);
    });
  },
};

const sum = ({ dataBytes, metadataBytes }: Space): number => dataBytes + metadataBytes;

function comparisonText(context: VerbContext, bills: readonly DriverBill[]): string {
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes);
  const making = ({ containers }: DriverBill): number =>
    containers.reduce((bytes, { creation }) => bytes + creation.copiedBytes, 0);
  const containersData = (bill: DriverBill): number => bill.total.dataBytes - bill.layers.dataBytes;
  const columns: Column<DriverBill>[] = [
    { title: 'DRIVER', value: titleOf },
    { title: 'COPIED', value: (bill) => size(bill.firstWrites.copiedBytes), align: 'right' },
    { title: 'MAKING', value: (bill) => size(making(bill)), align: 'right' },
    { title: 'LAYERS', value: (bill) => size(bill.layers.dataBytes), align: 'right' },
    { title: 'CONTAINERS', value: (bill) => size(containersData(bill)), align: 'right' },
    { title: 'METADATA', value: (bill) => size(bill.total.metadataBytes), align: 'right' },
    { title: 'TOTAL', value: (bill) => size(sum(bill.total)), align: 'right' },
    {
      title: 'READ',
      value: ({ read }) => `${size(read.readBytes)}, ${plural(read.lookups, 'lookup')}`,
      align: 'right',
    },
  ];
  return formatTable(bills, columns) + limitsText(bills);
}

/** A driver with the parameters that are not its default. */
function titleOf({ driver, parameters, defaults }: DriverBill): string {
  const changed = Object.entries(parameters).filter(([name, value]) => defaults[name] !== value);
  return [driver, ...changed.map(([name, value]) => `${name}=${value}`)].join(' ');
}

/** Limits that the history has run into. */
function limitsText(bills: readonly DriverBill[]): string {
  const lines = bills.flatMap((bill) =>
    bill.limits
      .filter(({ isHit }) => isHit)
      .map(({ limit, reached }) => `${titleOf(bill)}: ${limit}; here ${reached}\n`),
  );
  return lines.length === 0 ? '' : `\nLimits that this history runs into:\n${lines.join('')}`;
}

function containersText(context: VerbContext, bill: DriverBill): string {
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes);
  const rows = formatTable(bill.containers, [
    { title: 'CONTAINER', value: ({ name }) => printableName(name) },
    { title: 'FIRST WRITES', value: ({ firstWrites }) => String(firstWrites.count), align: 'right' },
    { title: 'COPIED', value: ({ firstWrites }) => size(firstWrites.copiedBytes), align: 'right' },
    { title: 'MAKING', value: ({ creation }) => size(creation.copiedBytes), align: 'right' },
    { title: 'DATA', value: (row) => size(row.dataBytes), align: 'right' },
    { title: 'METADATA', value: (row) => size(row.metadataBytes), align: 'right' },
    { title: 'KEPT FOR NOTHING', value: (row) => size(row.retainedBytes), align: 'right' },
    { title: 'FREED BY RM', value: (row) => size(row.freedBytes), align: 'right' },
  ]);
  return `${bill.title}: layers ${size(sum(bill.layers))}, in all ${size(sum(bill.total))}\n${rows}`;
}

function formulasText(bill: DriverBill): string {
  const evidence = bill.evidence === 'measured' ? 'compared with the real thing by a test' : 'by its published rules';
  const rules = Object.entries(bill.rules) as [string, Rule][];
  const lines = [`${bill.title} (${bill.driver}): ${evidence}`];
  for (const [name, value] of Object.entries(bill.parameters)) lines.push(`  ${name} = ${value}`);
  for (const [figure, { formula, source }] of rules)
    lines.push(`  ${wordsOf(figure)}: ${formula}`, `      (${source})`);
  for (const { limit, source, reached, isHit } of bill.limits) {
    lines.push(`  limit: ${limit}; here ${reached}${isHit ? ': too many' : ''}`, `      (${source})`);
  }
  return `${lines.join('\n')}\n`;
}

/** `firstWrite` → `first write`. */
const wordsOf = (key: string): string => key.replaceAll(/[A-Z]/g, ' $&').toLowerCase();

function storyText(context: VerbContext, { drivers, steps }: FileStory): string {
  if (steps.length === 0) return 'nothing has changed it: it lies in the image, and costs no container anything\n';
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes);
  return steps
    .map(({ seq, cause, writtenBytes, costs }) => {
      const written = writtenBytes === 0 ? '' : `, ${plural(writtenBytes, 'byte')} written`;
      const rows = costs.flatMap((cost, index) => (cost === null ? [] : [{ driver: drivers[index], ...cost }]));
      const free = drivers.filter((_driver, index) => costs[index] === null);
      const table = formatTable(rows, [
        { title: '', value: () => '' },
        { title: 'DRIVER', value: ({ driver }) => driver },
        { title: 'COPIED', value: ({ copiedBytes }) => size(copiedBytes), align: 'right' },
        { title: 'TAKEN', value: ({ takenBytes }) => size(takenBytes), align: 'right' },
      ]);
      const nothing = free.length === 0 ? '' : `   no first write: ${free.join(', ')}\n`;
      return `#${seq} ${causeLine(cause)}${written}\n${rows.length === 0 ? '' : table}${nothing}`;
    })
    .join('\n');
}
