import type { NodeId } from './flow';

/** 20x20 line drawings, centred above the label. */
const PATHS: Record<NodeId, string> = {
  grid: 'M10 1 L4 19 M10 1 L16 19 M3 7 H17 M5 12 H15 M8 7 L15 12 M12 7 L5 12',
  pv: 'M4 3 H16 L19 16 H1 Z M2.5 9.5 H17.5 M8 3 L7 16 M12 3 L13 16',
  ess: 'M2 6 H17 V15 H2 Z M17 9 H19 V12 H17 M6 8.5 V12.5 M9.5 8.5 V12.5 M13 8.5 V12.5',
  load: 'M2 18 V8 L10 2 L18 8 V18 Z M8 18 V12 H12 V18',
  evcs: 'M3 18 V4 Q3 2 5 2 H10 Q12 2 12 4 V18 M1 18 H14 M12 9 H14 Q16 9 16 11 V14 Q16 16 17.5 16 Q19 16 19 14 V7 L16 4 M8.5 5 L6 10 H9.5 L7 14',
};

export function NodeIcon({ id }: { id: NodeId }) {
  return <path className="flow-icon" d={PATHS[id]} transform="translate(-10 -40)" />;
}
