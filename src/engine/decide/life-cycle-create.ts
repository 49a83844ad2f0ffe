/** New containers: their ids, their names, and whether they can be. */

import { createHash } from 'node:crypto';
import type { ContainerEvent, SubjectId } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { ContainerRecord, Registry } from '../../projections/registry.ts';
import { findContainer } from '../../projections/registry.ts';

/** Docker's rule for names of containers and volumes (RestrictedNameChars), but one character is enough; a leading slash goes. */
export function checkName(name: string, what: 'container' | 'volume'): string {
  const plain = what === 'container' && name.startsWith('/') ? name.slice(1) : name;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(plain)) {
    throw storeError(
      'ERR_INVALID_ARGUMENT',
      `"${name}" is not a name for a ${what}: letters, digits, _ . and -, the first a letter or digit`,
      { detail: { name } },
    );
  }
  return plain;
}

/** 64 hex digits that are the same in every copy of a store, and nowhere else. */
export function containerId(storeId: string, container: SubjectId): string {
  return createHash('sha256').update(`container ${storeId} ${container}`).digest('hex');
}

/** @throws `ERR_CONFLICT` when a container has the name. */
export function checkNameIsFree(registry: Registry, name: string): void {
  for (const other of registry.containers.values()) {
    if (other.name !== name) continue;
    const message =
      `Conflict. The container name "/${name}" is already in use by container "${other.id}". ` +
      'You have to remove (or rename) that container to be able to reuse that name.';
    throw storeError('ERR_CONFLICT', message, { detail: { name, container: other.id } });
  }
}

/** @throws `ERR_INVALID_ARGUMENT` for its own or an impossible name; `ERR_CONFLICT` when another container has it. */
export function renameContainer(registry: Registry, container: ContainerRecord, name: string): ContainerEvent[] {
  const plain = checkName(name, 'container');
  if (plain === container.name) {
    const message = 'Renaming a container with the same name as its current name';
    throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { name: plain } });
  }
  checkNameIsFree(registry, plain);
  return [{ type: 'ContainerRenamed', container: container.container, name: plain }];
}

/** A name for a container that was given none: fixed by its id, so that replaying a script gives the same names. */
export function defaultName(registry: Registry, id: string): string {
  const adjective = ADJECTIVES[Number.parseInt(id.slice(0, 6), 16) % ADJECTIVES.length];
  const noun = NOUNS[Number.parseInt(id.slice(6, 12), 16) % NOUNS.length];
  const name = `${adjective}_${noun}`;
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}${number}`;
    if (findContainer(registry, candidate) === undefined) return candidate;
  }
}

const ADJECTIVES = (
  'able amber bold brave brief bright brisk broad calm candid clear clever cosy crisp curious daring deep eager early ' +
  'exact fair fast fine firm fond frank free fresh gentle glad golden grand green happy hardy honest jolly keen kind ' +
  'large level light lively lucid lucky merry mild modest neat nimble noble open patient plain polite proud quick quiet ' +
  'rapid ready sharp silent simple smooth solid steady still sturdy sunny swift tidy vivid warm wise witty young'
).split(' ');

const NOUNS = (
  'acorn alder anchor arch aspen badger barley basin beacon birch bridge brook canal canyon cedar cliff clover comet ' +
  'coral crane creek delta dune eagle elm ember falcon fern field finch fjord forest garden geyser glacier grove harbor ' +
  'hawk hazel heron hill island juniper lagoon lake lantern larch lark linden maple marsh meadow mill moss oak orchard ' +
  'osprey otter owl pebble pine plain poplar prairie quarry raven reef ridge river robin rowan sparrow spring spruce ' +
  'summit swan thistle tide valley walnut willow wren'
).split(' ');
