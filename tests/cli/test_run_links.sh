#!/bin/sh
# No file of a run is written through a symbolic link, whatever its name and whether a run begins,
# replaces another or goes on; and what is not the run's stays.
# labels: push
. "$GN_SOURCE_DIR/tests/cli/cases.sh"
for class in a b; do
    for split in train val; do
        mkdir -p set/$split/$class
        for i in 1 2 3 4 5 6; do
            printf 'P2 3 3 9\n1 2 3 4 5 6 7 8 %d\n' $i >set/$split/$class/$i.pgm
        done
    done
done
printf 'P2 3 3 9\n1 2\n' >set/train/a/9.pgm
printf 'input 8 1\nconv conv 2 3 2\nmean\noutput\n' >tiny.net
train='train --data set --model tiny.net --size 8 --batch 4 --threads 1 --ema 0.5 --on-bad-image skip'
run $train --epochs 1 --out begun
[ "$code" = 0 ] || fail "begun: exit code $code: $(cat err)"
names=$(cd begun && ls -A)
for name in .lock config.json checkpoint.safetensors checkpoint.previous.safetensors \
    model.safetensors best.safetensors ema.safetensors history.csv history.jsonl bad-images.txt \
    pictures.tsv; do
    case " $(echo $names) " in *" $name "*) ;; *) fail "a run leaves no $name: $names" ;; esac
done

for name in $names best.previous.safetensors; do
    for target in precious absent; do
        for mode in new overwrite resume; do
            rm -rf run precious absent
            echo mine >precious
            case $mode in
            new) mkdir run ;;
            *) cp -r begun run ;;
            esac
            echo mine >run/notes.txt
            rm -f "run/$name"
            ln -s "../$target" "run/$name"
            case $mode in
            new) run $train --epochs 1 --out run ;;
            overwrite) run $train --epochs 1 --out run --overwrite ;;
            resume) run train --resume run --epochs 2 ;;
            esac
            case $code in 0 | 3 | 4 | 5) ;; *) fail "$mode, $name: exit code $code: $(cat err)" ;; esac
            [ "$(cat precious)" = mine ] || fail "$mode: $name was written through a link"
            [ ! -e absent ] || fail "$mode: $name was made through a link"
            [ "$(cat run/notes.txt)" = mine ] || fail "$mode, $name: a file of the user is gone"
        done
    done
done

# --overwrite leaves nothing of the old run.
rm -rf run
cp -r begun run
rm set/train/a/9.pgm
run train --data set --model tiny.net --size 8 --batch 4 --threads 1 --epochs 1 --out run --overwrite
[ "$code" = 0 ] || fail "overwrite: exit code $code: $(cat err)"
for name in ema.safetensors bad-images.txt checkpoint.previous.safetensors; do
    [ "$name" = checkpoint.previous.safetensors ] || [ ! -e "run/$name" ] || fail "overwrite left $name"
done
finish
