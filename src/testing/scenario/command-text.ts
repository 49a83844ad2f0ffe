/** A command on a store as a step of a scenario. */

import type { OverlayProfile } from '../../events/event.ts';
import type { FileCall, Outcome } from '../file-call.ts';
import { MOUNTS, type StoreCommand } from '../store-command.ts';
import { callText, outcomeText } from './call-text.ts';

/** Names that a command's places stand for when it runs. */
export interface CommandNames {
  /** Of the container that it is about. */
  readonly container: string;
  /** Of a container that it makes. */
  readonly made: string;
  /** Options of a container's overlay, as `overlog create` takes them. */
  readonly options: readonly string[];
  /** Id of the image. */
  readonly image: string;
  /** The moment, as a sequence number. */
  readonly at: number;
  /** Of the oldest program that runs beside the container's first. */
  readonly exec: string;
}

/** What `exec` tells of, and what it ends with. */
export const EXEC_COMMAND = ['sh', '-c', 'work'] as const;
export const EXEC_EXIT_CODE = 3;

/** The lines of a file call in a container or volume: the step, and what it gave, or how it was refused. */
export function callLines(name: string, call: FileCall, outcome: Outcome): string[] {
  const expected = outcomeText(call, outcome);
  const lines = [`${name}${'error' in outcome ? '!' : '$'} ${callText(call)}`];
  if (expected !== null) lines.push(`  ${expected}`);
  return lines;
}

/** A profile as options of `create` and of the statement `container`; none where all is off. */
export function profileOptions({ redirectDir, index, metacopy }: OverlayProfile): string[] {
  const on = [...(redirectDir ? ['redirect_dir'] : []), ...(index ? ['index'] : []), ...(metacopy ? ['metacopy'] : [])];
  return on.length === 3 ? ['--profile', 'posix'] : on.flatMap((option) => ['--overlay-option', `${option}=on`]);
}

/** The line of any other command, as one that is done. */
export function commandLine(command: Exclude<StoreCommand, { command: 'call' }>, names: CommandNames): string {
  const { container, made, image, at } = names;
  switch (command.command) {
    case 'create': {
      const mounts = MOUNTS.filter((_, bit) => command.mounts & (1 << bit)).map(mountOption);
      const readOnly = command.readOnly && mounts.length > 0 ? ['--read-only'] : [];
      return ['container', made, image, ...mounts, ...readOnly, ...names.options].join(' ');
    }
    case 'start':
    case 'stop':
    case 'kill':
    case 'pause':
    case 'unpause':
    case 'restart':
      return `$ ${command.command} ${container}`;
    case 'exec':
      return `$ exec --begin ${container} -- ${EXEC_COMMAND.join(' ')}`;
    case 'endExec':
      return `$ exec --end ${names.exec} --exit-code ${EXEC_EXIT_CODE} ${container}`;
    case 'rename':
      return `$ rename ${container} c${command.name}`;
    case 'remove':
      return `$ rm ${command.force ? '-f ' : ''}${command.volumes ? '-v ' : ''}${container}`;
    case 'commit':
      return `$ commit ${container} made${command.name}:1`;
    case 'fork':
      return `$ fork ${container} --at ${at} --as ${made}`;
    case 'rewind':
      return `$ rewind ${container} ${at}`;
    case 'label':
      return `$ label l${command.name} ${at}`;
    case 'unlabel':
      return `$ label l${command.name} --remove`;
    case 'makeVolume':
      return `volume v${command.name}`;
    case 'removeVolume':
      return `$ volume rm v${command.name}`;
    case 'removeImage':
      return `$ rmi -f ${image}`;
  }
}

function mountOption(mount: (typeof MOUNTS)[number]): string {
  if (mount.type === 'tmpfs') return `--mount type=tmpfs,target=${mount.target}`;
  const source = 'source' in mount ? `${mount.source}:` : '';
  return `-v ${source}${mount.target}${'readOnly' in mount ? ':ro' : ''}`;
}
