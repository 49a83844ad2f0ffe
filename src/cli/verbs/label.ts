import { usageError } from '../exit-codes.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const labelVerb: Verb = {
  name: 'label',
  summary: 'name a moment, or list the names that there are',
  args: [
    { form: '[name]', description: 'the label; left out: list them' },
    { form: '[moment]', description: 'what it names; default: now' },
  ],
  options: [{ flags: '--remove', description: 'take the label away' }],
  examples: [
    { command: 'label before-upgrade', explains: 'name this moment' },
    { command: 'label yesterday ~1d', explains: 'name an earlier one' },
    { command: 'label', explains: 'list labels with the events that they stand behind' },
  ],
  reads: true,
  streams: true,
  run: async (context, [name, moment], options) => {
    if (name === undefined) {
      const { store, view } = await context.view();
      const rows = [...view.labels].map(([label, seq]) => ({ label, seq, dropped: seq < store.oldest }));
      rows.sort((a, b) => a.seq - b.seq);
      context.rows(rows, [
        { title: 'LABEL', value: (row) => row.label },
        { title: 'EVENT', value: (row) => String(row.seq), align: 'right' },
        ...(rows.some(({ dropped }) => dropped) ? [{ title: '', value: droppedText }] : []),
      ]);
      return;
    }
    const store = await context.store('write');
    if (flag(options, 'remove')) {
      if (moment !== undefined) throw usageError('--remove takes a label only');
      await store.removeLabel(name);
      context.answer({ label: name, seq: null }, () => `${name}\n`);
      return;
    }
    const seq = await store.label(name, moment ?? 'now');
    context.answer({ label: name, seq }, () => `${name} is event ${seq}\n`);
  },
};

const droppedText = ({ dropped }: { readonly dropped: boolean }): string => (dropped ? 'dropped (retain)' : '');
