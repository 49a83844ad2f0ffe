import { COPY_FROM_HOST } from '../../index.ts';
import { copyIn } from '../copy-in.ts';
import { copyOut } from '../copy-out.ts';
import type { CopyCount } from '../copy-rules.ts';
import { streamIn, streamOut } from '../copy-stream.ts';
import { usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { flag } from '../options.ts';
import { isPlace, openPlace } from '../place.ts';
import type { Verb } from '../verb.ts';

export const cpVerb: Verb = {
  name: 'cp',
  summary: 'copy files between the host and a container, with modes and times',
  details:
    'As docker cp: a directory that is there takes the source in, or of a source that ends in /. what is in it; otherwise the ' +
    'source gets the new name. Directories are copied with all below them, symbolic links as links. Devices, fifos and ' +
    'sockets are left out, and named. - is a tar from stdin, put into a directory, or to stdout; those hold devices and fifos, too.',
  args: [
    { form: '<from>', description: 'a path of the host, - for a tar from stdin, or NAME:/path' },
    { form: '<to>', description: 'the other kind; - for a tar to stdout' },
  ],
  options: [
    {
      flags: '-a, --archive',
      description: 'out of a container with owner and group, too; into one they always come along',
    },
    { flags: '-L, --follow-link', description: 'copy what a source leads to that is a symbolic link' },
  ],
  examples: [
    { command: 'cp ./app.conf web:/etc/', explains: 'into a container' },
    { command: 'cp --at before-rm web:/var/log ./log', explains: 'out of it, as it was' },
    { command: 'cp web:/etc - | tar -t', explains: 'as a tar' },
    { command: 'cp - web:/srv < site.tar', explains: 'what is in a tar, into a directory' },
  ],
  reads: true,
  run: async (context, [from, to], options) => {
    if (isPlace(from) === isPlace(to)) throw usageError('one of the two is a path of the host, the other NAME:/path');
    const isOut = isPlace(from);
    if (!isOut && context.options['at'] !== undefined) throw usageError('--at is for copying out of a container');
    const how = { archive: flag(options, 'archive'), followLink: flag(options, 'followLink') };
    if (isOut && to === '-') return streamOut(context, from, how);
    let count: CopyCount;
    if (isOut) {
      const { view } = await context.view();
      count = await copyOut(openPlace(view, from), to, how);
    } else {
      const store = await context.store('write');
      const place = openPlace(store, to);
      count =
        from === '-'
          ? { copied: await streamIn(context, store, place), left: [] }
          : store.engine.transact(['cp', from, place.path, COPY_FROM_HOST], () => copyIn(from, place, how));
      await store.flush();
    }
    const { copied, left } = count;
    for (const path of left) context.say(`left out: ${path}`);
    context.answer({ from, to, copied, left }, () => `${plural(copied, 'entry', 'entries')} copied\n`);
  },
};
