import { forwardRef, useEffect, useImperativeHandle, useRef } from 'react';

import { paletteOf, type Palette } from './colours';
import { echarts, type ECharts, type EChartsCoreOption } from './echarts';

export interface ChartHandle {
  /** PNG as a data URL, on the theme's surface colour. */
  png: () => string | null;
}

interface Props {
  height: number;
  /** Charts of one group share their hover line. */
  group: string;
  label: string;
  theme: string;
  option: (palette: Palette) => EChartsCoreOption;
}

/** A thin frame around one ECharts instance. */
export const EChart = forwardRef<ChartHandle, Props>(function EChart(
  { height, group, label, theme, option },
  ref,
) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  useEffect(() => {
    if (frame.current === null) return;
    const made = echarts.init(frame.current);
    made.group = group;
    echarts.connect(group);
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(frame.current);
    return () => {
      observer.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, [group]);
  useEffect(() => {
    if (frame.current === null) return;
    chart.current?.setOption(option(paletteOf(frame.current)), { notMerge: true });
  }, [option, theme]);
  useImperativeHandle(ref, () => ({
    png: () => {
      if (chart.current === null || frame.current === null) return null;
      const backgroundColor = paletteOf(frame.current).surface;
      return chart.current.getDataURL({ type: 'png', pixelRatio: 2, backgroundColor });
    },
  }));
  return <div ref={frame} style={{ height }} role="img" aria-label={label} />;
});
