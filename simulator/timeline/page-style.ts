/** The timeline's style. Colours of roles are told apart by lightness as well. */
export const pageStyle = `
:root { color-scheme: light; font: 13px/1.45 system-ui, sans-serif; color: #1c2430; background: #fbfbfa; }
body { margin: 0; padding: 18px 22px; }
h1 { font-size: 17px; margin: 0 0 6px; }
code { font: 12px ui-monospace, monospace; background: #eef0f2; padding: 1px 5px; border-radius: 3px; }
.violation { border-left: 4px solid #c21f1f; background: #fdecec; padding: 8px 12px; margin: 10px 0; }
.holds { border-left: 4px solid #2d8a4e; background: #ebf7ef; padding: 8px 12px; margin: 10px 0; }
.facts { color: #556070; margin: 4px 0 10px; }
.controls { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; margin: 8px 0; }
.controls button { font: inherit; padding: 2px 9px; border: 1px solid #c3c9d1; border-radius: 4px; background: #fff; }
.controls label { white-space: nowrap; display: inline-flex; gap: 4px; align-items: center; }
.swatch { width: 14px; height: 3px; display: inline-block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 12px; margin: 8px 0; color: #556070; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; vertical-align: -2px; margin-right: 4px; }
.frame { display: flex; border: 1px solid #d9dde2; border-radius: 6px; background: #fff; }
.names { position: relative; flex: 0 0 104px; border-right: 1px solid #d9dde2; }
.names b { position: absolute; left: 10px; font-weight: 600; }
.scroller { flex: 1; overflow-x: auto; min-width: 0; }
.chart { position: relative; width: 100%; overflow: clip; }
.chart svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.chart svg line { vector-effect: non-scaling-stroke; pointer-events: stroke; stroke-width: 1.2; opacity: .75; }
.chart svg line.end { stroke-width: 5; stroke-linecap: round; opacity: 1; }
.chart svg line.lost { stroke-dasharray: 3 3; }
.chart svg line.lost.end { stroke: #c21f1f !important; stroke-dasharray: none; }
.chart svg g:hover line { opacity: 1; stroke-width: 3; }
.epoch, .band, .fault, .mark { position: absolute; box-sizing: border-box; }
.epoch, .band { z-index: 2; } .fault, .mark { z-index: 1; }
.band { overflow: clip; white-space: nowrap; font-size: 11px; line-height: 24px; border-left: 1px solid #fff; }
.band span { padding: 0 5px; } .band span, .fault span { position: sticky; left: 0; }
.fault { white-space: nowrap; font-size: 10px; line-height: 13px; color: #6b2d00; padding-left: 4px;
  border-left: 2px solid #d9730d; min-width: 3px;
  background: repeating-linear-gradient(135deg, #ffe3c7 0 5px, #fff1e2 5px 10px); }
.mark { width: 9px; margin-left: -4px; height: 12px; font-size: 10px; line-height: 12px; text-align: center; cursor: default; }
.mark.commit { color: #1b7f43; } .mark.request { color: #275dad; } .mark.answer { color: #7a3fb0; }
.tick { position: absolute; top: 0; bottom: 0; border-left: 1px solid #edf0f2; font-size: 10px; color: #78828e; padding-left: 3px; }
.break { position: absolute; top: 0; bottom: 0; right: 0; border-right: 2px solid #c21f1f; z-index: 3;
  color: #c21f1f; font: 700 12px system-ui, sans-serif; padding-right: 5px; }
.role-leader { background: #2f6db5; color: #fff; } .role-follower { background: #cfe0f3; }
.role-candidate { background: #f0b429; } .role-prospective { background: #fbe3a6; }
.role-unattached { background: #e4e6ea; } .role-resigned { background: #c9b6dc; } .role-observer { background: #d8efe6; }
.role-starting { background: #f4f4f4; color: #888; } .role-down { background: #43484f; color: #e6e6e6; }
`;
