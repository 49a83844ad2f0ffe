import type { Verb } from '../verb.ts';

export const renameVerb: Verb = {
  name: 'rename',
  summary: 'give a container another name',
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '<name>', description: 'the new name' },
  ],
  options: [],
  examples: [{ command: 'rename web web-old', explains: 'earlier moments keep the old name' }],
  run: async (context, [reference, name]) => {
    const store = await context.store('write');
    const container = store.containers.get(reference);
    await container.rename(name);
    context.answer({ id: container.id, name: container.name }, () => `${container.name}\n`);
  },
};
