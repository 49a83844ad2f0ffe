import { isServed, mountRecords } from '../../entry/mount.ts';
import type { Verb } from '../verb.ts';

export const mountsVerb: Verb = {
  name: 'mounts',
  summary: 'list what is mounted of the store, and which processes serve it',
  args: [],
  options: [],
  examples: [
    { command: 'mounts', explains: 'a mount whose server was killed is shown as dead; the next mount clears it' },
  ],
  run: async (context) => {
    if (!context.storeExists) await context.store('read');
    const rows = mountRecords(context.directory).map((record) => ({
      container: record.container,
      at: record.at,
      directory: record.directory,
      access: record.readOnly ? 'ro' : 'rw',
      pid: record.pid,
      server: record.server,
      state: isServed(record) ? 'serving' : 'dead',
    }));
    context.rows(rows, [
      { title: 'CONTAINER', value: (row) => row.container },
      { title: 'AT', value: (row) => (row.at === null ? 'now' : String(row.at)) },
      { title: 'DIRECTORY', value: (row) => row.directory },
      { title: 'ACCESS', value: (row) => row.access },
      { title: 'PID', value: (row) => String(row.pid) },
      { title: 'STATE', value: (row) => row.state },
    ]);
  },
};
