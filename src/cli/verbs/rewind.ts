import { absenceAt, diffStat, type Store } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { flag, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const rewindVerb: Verb = {
  name: 'rewind',
  summary: "make a container's files what they were at a moment; the log goes on, so this can be undone too",
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '[moment]', description: 'where to go back to' },
  ],
  options: [
    { flags: '--group <id>', description: 'to just before this group (a scenario step, a tool call) began' },
    { flags: '--dry-run', description: 'show what would change, and change nothing' },
  ],
  examples: [
    { command: 'rewind web before-upgrade', explains: 'as it was at a label' },
    { command: 'rewind --dry-run web ~10', explains: 'what going back ten events would change' },
    { command: 'rewind --group story.scn:12 web', explains: 'undo all since the step of line 12' },
  ],
  run: async (context, [name, moment], options) => {
    const group = textOption(options, 'group');
    if ((moment === undefined) === (group === undefined)) throw usageError('it takes a moment, or --group');
    const isDry = flag(options, 'dryRun');
    const store = await context.store(isDry ? 'read' : 'write');
    const container = store.containers.get(name);
    const to = group === undefined ? store.resolve(moment ?? '') : beforeGroup(store, container.name, group);
    if (store.at(to).world.overlay(container.subject) === undefined) {
      throw Object.assign(new Error(absenceAt(store, container.record, to)), { code: 'ENOENT' });
    }
    const changes = store.diff('now', to, { container: name });
    if (!isDry) await store.rewind(container.name, to);
    context.answer({ name: container.name, to, changes, done: !isDry }, () => {
      const lines = diffStat(changes).map((line) => `${line}\n`);
      return lines.join('') || `${container.name} is as it was after event ${to} already\n`;
    });
    if (!isDry && !context.isJson) context.say(`${container.name} is as it was after event ${to}`);
  },
};

function beforeGroup(store: Store, container: string, group: string): number {
  for (const { seq } of store.transactions({ container, group })) return seq - 1;
  const message = `container "${container}" has no group "${group}"`;
  throw Object.assign(new Error(message), { code: 'ENOENT' });
}
