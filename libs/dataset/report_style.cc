#include "libs/dataset/report_html.h"

namespace winnow::dataset {

// One accent for what was kept; three muted tones for the ways of being left out. Bars carry a
// written figure beside them, so no meaning hangs on colour alone.
const std::string_view kReportStyle = R"css(
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d2125;--quiet:#5f666e;
--rule:#dedbd5;--track:#efece7;--stored:#1f6f63;--rejected:#b4573f;--review:#c79a2a;
--deferred:#7a8794;--before:#b9c0c6;--band:#1f6f6322}
@media(prefers-color-scheme:dark){:root{--paper:#15181b;--card:#1c2024;--ink:#e8e6e1;
--quiet:#9aa2aa;--rule:#32383e;--track:#262b30;--stored:#55b3a2;--rejected:#d97f66;
--review:#d9b353;--deferred:#8996a3;--before:#59636c;--band:#55b3a22e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","DejaVu Sans",sans-serif}
main,header.top,footer{max-width:66rem;margin:0 auto;padding:0 1.5rem}
header.top{padding-top:3.5rem}
h1{font-size:2.5rem;line-height:1.15;letter-spacing:-.02em;font-weight:650;margin:.2rem 0 .75rem;
overflow-wrap:anywhere}
h2{font-size:1.375rem;line-height:1.3;letter-spacing:-.01em;font-weight:650;margin:0 0 .25rem}
h3{font-size:1rem;font-weight:650;margin:0}
p{margin:0 0 1rem;max-width:44rem}
section{border-top:1px solid var(--rule);padding:2rem 0 .5rem;margin-top:2.25rem}
.eyebrow{margin:0;color:var(--quiet);font-size:.875rem}
.objective{font-size:1.125rem;overflow-wrap:anywhere}
.intro,.quiet{color:var(--quiet)}
.num{font-variant-numeric:tabular-nums;white-space:nowrap;text-align:right}
code{font:.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;
overflow-wrap:anywhere}
dl.meta{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:1.25rem 0 0;
font-size:.875rem}
dl.meta dt{color:var(--quiet)}
dl.meta dd{margin:0;min-width:0;overflow-wrap:anywhere}
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:1.25rem 2rem;
margin:2.25rem 0 1.25rem}
dl.figures div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
dl.figures dt{font-size:.875rem}
dl.figures dd{margin:0;font-size:2rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
dl.figures small{display:block;font-size:.8125rem;color:var(--quiet)}
.key{white-space:nowrap;margin-right:.75rem}
.key::before{content:"";display:inline-block;width:.625rem;height:.625rem;border-radius:2px;
margin-right:.4rem;background:var(--c)}
.stored{--c:var(--stored)}.rejected{--c:var(--rejected)}.review{--c:var(--review)}
.deferred{--c:var(--deferred)}.before{--c:var(--before)}.after{--c:var(--stored)}
.key.target::before{background:var(--ink);width:2px;border-radius:0}
.bar{display:flex;gap:2px;height:.875rem;background:var(--track);border-radius:3px;overflow:hidden}
.bar i{background:var(--c);min-width:2px}
.balance{margin-top:.75rem;max-width:none;font-variant-numeric:tabular-nums}
.alarm{color:var(--rejected);font-weight:600}
ol.funnel{list-style:none;margin:1.25rem 0;padding:0;display:grid;gap:1.125rem}
ol.funnel .line{display:flex;justify-content:space-between;gap:1rem;margin-bottom:.25rem}
ol.funnel .keys,.balance,.keys{font-size:.875rem}
ol.funnel .keys{margin-top:.25rem}
article{padding:1.125rem 0;border-top:1px solid var(--rule)}
article:first-of-type{border-top:0}
article .line{display:flex;justify-content:space-between;gap:1rem;align-items:baseline}
article p{margin:.125rem 0 .75rem;font-size:.9375rem;color:var(--quiet)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem}
figure{margin:0;min-width:0}
figure img,.blank{display:block;width:100%;aspect-ratio:4/3;object-fit:contain;
background:var(--track);border-radius:4px}
.blank{display:grid;place-items:center;color:var(--quiet);font-size:.8125rem}
figcaption{font-size:.8125rem;line-height:1.4;margin-top:.375rem;overflow-wrap:anywhere}
figcaption .note{display:block;color:var(--quiet)}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1.75rem 2rem}
.pairs>div>h3{font-size:.875rem;margin-bottom:.5rem}
.pairs .two{display:grid;grid-template-columns:1fr 1fr;gap:.75rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1.75rem 2.5rem}
.plot figcaption{margin:0 0 .25rem;font-size:.875rem}
.plot svg{display:block;width:100%;height:auto;overflow:visible}
.plot rect{fill:var(--stored)}
.plot text{font-size:11px;fill:var(--quiet)}
.plot .base{stroke:var(--rule)}
.plot line.limit{stroke:var(--rejected);stroke-width:1.5}
.plot text.limit{fill:var(--rejected)}
.scroll{overflow-x:auto;margin:0 0 1.5rem}
table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{text-align:left;font-size:1rem;font-weight:650;padding-bottom:.375rem}
caption .quiet{font-weight:400;font-size:.875rem;margin-left:.5rem}
th{text-align:left;font-weight:400}
thead th:not(.pair){white-space:nowrap}
thead th{color:var(--quiet);font-size:.8125rem;vertical-align:bottom}
th.num{text-align:right}
td,th{padding:.4rem 1rem .4rem 0;border-bottom:1px solid var(--rule)}
td:last-child,th:last-child{padding-right:0}
tbody th{overflow-wrap:anywhere;min-width:6rem}
.axis .pair{width:45%;min-width:11rem}
.axis td.num .quiet{display:inline-block;min-width:3.25rem}
.track{position:relative;display:grid;gap:2px;background:var(--track);border-radius:2px}
.track i{display:block;height:.5rem;background:var(--c);border-radius:2px;position:relative}
.track u{position:absolute;top:-3px;bottom:-3px}
.track .target{width:2px;margin-left:-1px;background:var(--ink)}
.track .band{background:var(--band)}
footer{margin-top:3rem;padding-bottom:3rem;font-size:.8125rem;color:var(--quiet)}
@media(max-width:40rem){main,header.top,footer{padding-left:1rem;padding-right:1rem}
header.top{padding-top:2rem}h1{font-size:1.875rem}dl.meta{grid-template-columns:1fr;gap:0}
dl.meta dd{margin-bottom:.5rem}dl.figures{grid-template-columns:1fr 1fr;gap:1rem}
dl.figures dd{font-size:1.625rem}.gallery{grid-template-columns:1fr 1fr}
.pairs{grid-template-columns:1fr}
td,th{padding-right:.625rem}.axis .pair{min-width:5.5rem}.axis tbody th{min-width:4rem}
.axis td.num .quiet{display:none}.axis .key{margin-right:.375rem}}
@media print{:root{color-scheme:light}body{background:#fff;font-size:11pt}
section,header.top{break-inside:auto}article,figure,tr,.pairs>div{break-inside:avoid}
h2,h3{break-after:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace winnow::dataset
