import type { BandId } from './series';

const VARIABLES: Record<BandId, string> = {
  import: '--grid',
  pv: '--pv',
  discharge: '--battery',
  load: '--load',
  charge: '--battery',
  ev: '--ev',
  export: '--grid',
};

export interface Palette {
  band: (id: BandId) => string;
  text: string;
  muted: string;
  line: string;
  surface: string;
  alarm: string;
  battery: string;
}

/** The theme's colours as the canvas needs them: resolved. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    band: (id) => read(VARIABLES[id]),
    text: read('--text'),
    muted: read('--muted'),
    line: read('--line'),
    surface: read('--surface'),
    alarm: read('--alarm'),
    battery: read('--battery'),
  };
}
