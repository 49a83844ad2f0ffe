import { completionScript, SHELLS } from '../completion-scripts.ts';
import { usageError } from '../exit-codes.ts';
import type { Verb } from '../verb.ts';

export const completionVerb: Verb = {
  name: 'completion',
  summary: 'print a completion script for a shell',
  args: [{ form: '<shell>', description: 'bash, zsh or fish' }],
  options: [],
  examples: [
    { command: 'completion bash > ~/.local/share/bash-completion/completions/overlog', explains: 'for bash' },
    { command: 'completion fish > ~/.config/fish/completions/overlog.fish', explains: 'for fish' },
  ],
  run: async (context, [shell]) => {
    const known = SHELLS.find((each) => each === shell);
    if (known === undefined)
      throw usageError(`there is no completion for ${shell}; there is one for ${SHELLS.join(', ')}`);
    const script = completionScript(known, context.verbs);
    context.answer({ shell: known, script }, () => script);
  },
};
