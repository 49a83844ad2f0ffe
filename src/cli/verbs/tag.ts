import type { Verb } from '../verb.ts';

export const tagVerb: Verb = {
  name: 'tag',
  summary: 'give an image one more name',
  args: [
    { form: '<image>', description: 'name or id' },
    { form: '<name>', description: 'the new name; it is taken from the image that has it' },
  ],
  options: [],
  examples: [{ command: 'tag app:1 app:stable', explains: 'two names for one image' }],
  run: async (context, [reference, name]) => {
    const store = await context.store('write');
    await store.images.tag(reference, name);
    const { id, tags } = store.images.get(name);
    context.answer({ id, tags }, () => `${name}\n`);
  },
};
