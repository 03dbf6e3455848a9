import type { Command } from '@/shared/api/model';
import { knownKey, useT } from '@/shared/i18n/useT';

import './commands.css';

/** Where a command stands; under it why it was rejected, or what the box said. */
export function CommandState({ command }: { command: Command }) {
  const { t } = useT();
  const hint = knownKey(`command.stateHint.${command.state}`);
  const said = command.reason || (hint === null ? '' : t(hint));
  return (
    <span className="command-state" data-state={command.state}>
      <span className="command-mark" aria-hidden="true" />
      <span>
        {t(`command.state.${command.state}`)}
        {said !== '' && (
          <span className="command-reason" title={said}>
            {said}
          </span>
        )}
      </span>
    </span>
  );
}
