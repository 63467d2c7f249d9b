"""How the plan is put into words: Chinese first, English beside it."""

WEEKDAYS = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)
KINDS = {
    "workday": ("工作日", "workday"),
    "weekend": ("周末", "weekend"),
    "holiday": ("节假日", "holiday"),
    "adjusted_workday": ("调休上班", "adjusted workday"),
}
BASIS = {
    "history": ("据历史", "from history"),
    "like_workday": ("未见过，按工作日", "never seen, as a workday"),
    "like_weekend": ("未见过，按周末", "never seen, as a weekend"),
    "assumed": ("假设", "assumed"),
}
ASSUMED = {
    "calls_per_day": ("每日来电与分时比例", "calls a day, and their share by hour"),
    "talk_seconds": ("通话秒数", "talk seconds"),
    "wrap_up_seconds": ("话后秒数", "wrap-up seconds"),
    "patience_seconds": ("等待耐心秒数", "patience seconds"),
    "ring_seconds": ("振铃秒数", "ring seconds"),
}
