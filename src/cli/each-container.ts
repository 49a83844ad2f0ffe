/** Verbs that do one thing to each container that they are given. */

import type { Container } from '../index.ts';
import type { VerbContext } from './context.ts';

/** Does it to one after the other, and prints the names; the first refusal ends it. */
export async function eachContainer(
  context: VerbContext,
  names: readonly string[],
  act: (container: Container) => Promise<void>,
): Promise<void> {
  const store = await context.store('write');
  // All must be there before anything is done.
  const containers = names.map((name) => store.containers.get(name));
  const done: { name: string; id: string }[] = [];
  for (const [index, container] of containers.entries()) {
    const { id } = container;
    await act(container); // in the order in which they were given
    done.push({ name: names[index], id });
  }
  context.answer(done, () => done.map(({ name }) => `${name}\n`).join(''));
}

export const CONTAINERS = { form: '<container...>', description: 'names or ids' } as const;
