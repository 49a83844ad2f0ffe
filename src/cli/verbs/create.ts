import { type MountRequest, parseMountOption, parseProfile, parseVolumeOption } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { countLimit, sizeLimit } from '../format/limit.ts';
import { flag, listOption, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const createVerb: Verb = {
  name: 'create',
  summary: 'make a container of an image',
  args: [
    { form: '<image>', description: 'name or id; scratch is an empty root directory' },
    { form: '[command...]', description: 'what is shown as its command; nothing runs it' },
  ],
  options: [
    { flags: '--name <name>', description: 'its name; default: two words' },
    { flags: '-v, --volume <mount>', description: 'VOLUME:PATH[:ro,nocopy], /HOST:PATH[:ro] or PATH', repeat: true },
    { flags: '--mount <mount>', description: 'type=volume|bind|tmpfs,source=…,target=…[,readonly]', repeat: true },
    { flags: '--read-only', description: 'refuse writes to its root file system' },
    { flags: '--profile <name>', description: "docker: the kernel's defaults; posix: all overlay options on" },
    { flags: '--overlay-option <option>', description: 'redirect_dir=on, index=on, metacopy=on', repeat: true },
    { flags: '-l, --label <key=value>', description: 'a label of the container', repeat: true },
    { flags: '--quota <size>', description: 'bytes that its writable layer may hold, such as 10m' },
    { flags: '--quota-inodes <count>', description: 'files, directories and other nodes that it may hold' },
  ],
  examples: [
    { command: 'create --name web app:1', explains: 'nothing is copied' },
    { command: 'create --name db -v data:/var/lib/db app:1 -- db --serve', explains: 'with a volume and a command' },
    { command: 'create --profile posix app:1', explains: 'directories can be renamed, hard links stay together' },
  ],
  run: async (context, [image, ...command], options) => {
    const store = await context.store('write');
    const name = textOption(options, 'name');
    const container = await store.containers.create({
      ...(image !== 'scratch' && { image }),
      ...(name !== undefined && { name }),
      ...(command.length > 0 && { command }),
      mounts: mountsOf(listOption(options, 'volume'), listOption(options, 'mount')),
      readOnly: flag(options, 'readOnly'),
      profile: parseProfile(textOption(options, 'profile'), listOption(options, 'overlayOption')),
      quota: { bytes: sizeLimit(options, 'quota') ?? null, inodes: countLimit(options, 'quotaInodes') ?? null },
      labels: Object.fromEntries(listOption(options, 'label').map(pairOf)),
    });
    context.answer(container.inspect(), () => `${container.name}\n`);
  },
};

function mountsOf(volumes: readonly string[], mounts: readonly string[]): MountRequest[] {
  return [...volumes.map(parseVolumeOption), ...mounts.map(parseMountOption)];
}

function pairOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals === 0 || text === '') throw usageError(`a label is KEY=VALUE, not "${text}"`);
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
