import { useEffect, useRef } from 'react';

const SPACING = 20; // Must equal the dash period in flow.css.

type Speeds = Readonly<Record<string, number>>;

const reducedMotion = (): boolean =>
  typeof window.matchMedia === 'function' &&
  window.matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Moves dashed paths along themselves. Speeds may change at any time without a jump. Returns, per id, the
 * ref to hang on its path. No motion when the viewer asks for none. */
export function useDots(speeds: Speeds): (id: string) => (element: SVGPathElement | null) => void {
  const paths = useRef(new Map<string, SVGPathElement>());
  const current = useRef(speeds);
  useEffect(() => {
    current.current = speeds;
  });
  useEffect(() => animate(paths.current, () => current.current), []);
  return (id) => (element) => {
    if (element === null) paths.current.delete(id);
    else paths.current.set(id, element);
  };
}

function animate(paths: Map<string, SVGPathElement>, speeds: () => Speeds): () => void {
  const offsets = new Map<string, number>();
  let last_ms: number | null = null;
  let frame = 0;
  const step = (now_ms: number) => {
    const dt_s = last_ms === null ? 0 : Math.min(0.1, (now_ms - last_ms) / 1000);
    last_ms = now_ms;
    if (!reducedMotion()) {
      for (const [id, path] of paths) advance(id, path, (speeds()[id] ?? 0) * dt_s);
    }
    frame = requestAnimationFrame(step);
  };
  const advance = (id: string, path: SVGPathElement, distance: number) => {
    const offset = ((offsets.get(id) ?? 0) - distance) % SPACING;
    offsets.set(id, offset);
    path.style.strokeDashoffset = offset.toFixed(2);
  };
  frame = requestAnimationFrame(step);
  return () => cancelAnimationFrame(frame);
}
