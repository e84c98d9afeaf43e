# Runs the server "$@" and stops it when our owner is gone: our standard input is a pipe that only the owner holds.
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
(
    while read -r order; do
        case $order in
            fast) kill -INT "$server" ;;
            immediate) kill -QUIT "$server" ;;
        esac
    done <&3
    # End of file: the owner died. Ten seconds for an orderly end, then the hard way.
    kill -INT "$server"
    tenths=0
    while [ "$tenths" -lt 100 ] && kill -0 "$server"; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    kill -QUIT "$server"
) >/dev/null 2>&1 &
reader=$!
exec 3<&-
wait "$server"
code=$?
kill "$reader" 2>/dev/null
exit "$code"
